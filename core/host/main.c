/* neap COMMAND ...: finds out which command it is and where everything lies. */
#include "base/version.h"
#include "host/cli.h"
#include "host/process.h"
#include "host/serve.h"
#include "host/tool.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse(const char *name)
{
    const struct cli_command *meant = cli_suggest(name);
    fprintf(stderr, "neap: there is no command %s", name);
    if (meant)
        fprintf(stderr, "; did you mean neap %s?", meant->name);
    fprintf(stderr, "\n`neap --help` lists them.\n");
    return EXIT_USAGE;
}

static bool is_any(const char *s, const char *a, const char *b)
{
    return strcmp(s, a) == 0 || strcmp(s, b) == 0;
}

static const char *home(char out[static PATH_MAX])
{
    const char *dir = getenv("NEAP_HOME");
    return dir && dir[0] ? realpath(dir, out) : NULL;
}

int main(int argc, char **argv)
{
    static char program[PATH_MAX], here[PATH_MAX], framework[PATH_MAX]; /* a place is borrowed until the end */

    process_fill_standard();
    if (argc < 2 || is_any(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
        cli_print_table(stdout);
        return EXIT_OK;
    }
    if (is_any(argv[1], "--version", "-V")) {
        printf("neap %s\n", NEAP_VERSION);
        return EXIT_OK;
    }
    const struct cli_command *command = cli_find(argv[1]);
    if (command == NULL)
        return refuse(argv[1]);
    if (process_path(program, sizeof program) < 0 || getcwd(here, sizeof here) == NULL) {
        fprintf(stderr, "neap: cannot find out where this program is or where it was started\n");
        return EXIT_FAILED;
    }
    struct place place = {.app_dir = here, .home = home(framework), .program = program};
    bool dev = strcmp(command->name, "dev") == 0;
    if (dev || strcmp(command->name, "serve") == 0)
        return serve_main(&place, dev, argc - 2, argv + 2);
    return tool_main(&place, command, argc - 2, argv + 2);
}
