#include "core/host/cli.c"
#include "spec/core/test.h"

static struct cli c;
static char err[ERR_MAX];

static int parse(bool dev, int argc, char **argv)
{
    err[0] = '\0';
    return cli_parse(&c, dev, argc, argv, err);
}
#define PARSE(dev, ...) parse((dev), sizeof((char *[]){__VA_ARGS__}) / sizeof(char *), (char *[]){__VA_ARGS__})

TEST("without arguments the folder is the current one")
{
    CHECK(parse(false, 0, NULL) == 0);
    CHECK_STR(c.dir, strlen(c.dir), ".");
    CHECK(c.host == NULL && c.port == NULL && c.workers == NULL && c.as == NULL && !c.no_watch && !c.help);
}

TEST("a flag takes its value after a blank or after an equals sign")
{
    CHECK(PARSE(false, "--port", "8080", "bench/app", "--workers=4") == 0);
    CHECK_STR(c.port, strlen(c.port), "8080");
    CHECK_STR(c.workers, strlen(c.workers), "4");
    CHECK_STR(c.dir, strlen(c.dir), "bench/app");
}

TEST("a number out of its range is refused by name")
{
    CHECK(PARSE(false, "--port", "65536") < 0);
    CHECK(strstr(err, "--port must be a number between 0 and 65535"));
    CHECK(PARSE(false, "--workers", "0") < 0);
    CHECK(PARSE(false, "--workers", "two") < 0);
    CHECK(PARSE(false, "--port", "0") == 0);
}

TEST("a flag without its value says so")
{
    CHECK(PARSE(true, "--as") < 0);
    CHECK_STR(err, strlen(err), "--as needs a value");
    CHECK(PARSE(true, "--as=") < 0);
}

TEST("each command has its own flags")
{
    CHECK(PARSE(true, "--as", "a@example.org", "--no-watch") == 0);
    CHECK(c.no_watch);
    CHECK(PARSE(false, "--as", "a@example.org") < 0);
    CHECK(PARSE(true, "--workers", "2") < 0);
    CHECK(PARSE(false, "--portal", "1") < 0);
    CHECK_STR(err, strlen(err), "--portal is not a flag of this command");
}

TEST("two folders are one too many")
{
    CHECK(PARSE(false, "a", "b") < 0);
    CHECK_STR(err, strlen(err), "one folder is enough: a and b");
}

TEST("a misspelt command finds the one that was meant")
{
    CHECK_STR(cli_suggest("sevre")->name, 5, "serve");
    CHECK_STR(cli_suggest("mig")->name, 7, "migrate");
    CHECK_STR(cli_suggest("rotues")->name, 6, "routes");
    CHECK(cli_suggest("frobnicate") == NULL);
    CHECK(cli_suggest("x") == NULL);
    CHECK(cli_suggest("") == NULL);
}

TEST("a hidden command runs but is never suggested")
{
    CHECK(cli_find("dev-prepare") != NULL);
    CHECK(cli_suggest("dev-prepar") == NULL);
}

TEST("a name of any length is compared safely")
{
    char name[4096];
    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK(cli_suggest(name) == NULL);
}
