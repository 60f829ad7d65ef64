#include "host/cli.h"
#include "base/edit_distance.h"
#include "base/number.h"
#include <string.h>

static const struct cli_command commands[] = {
    {"new", "NAME", "an application to begin with, in a folder of its own", false},
    {"dev", "[DIR] [--as EMAIL]", "serve the application in this folder; a saved file is live", true},
    {"serve", "[DIR]", "serve it as a service, with workers", true},
    {"migrate", "up | down | status | new NAME | verify", "SQL migrations", true},
    {"test", "[PATH...]", "run the specs", true},
    {"routes", "", "what the application answers", true},
    {"openapi", "[--check FILE]", "the OpenAPI document; what in it would break a client of FILE", true},
    {"types", "--ts | --lua", "the schemas as types", true},
    {"machines", "[--check FILE]", "the state machines as a page with diagrams", true},
    {"check", "[--serve] [--db]", "load everything without serving", true},
    {"jobs", "list | show | stats | retry | drain | delete", "work that outlives its request", true},
    {"db", "up | down | psql | ping | stats | init | seed | reset", "the database, private in .neap or DATABASE_URL", false},
    {"user", "create | password | role | token | list", "accounts, the first administrator among them", true},
    {"repl", "", "a Lua prompt inside the application", true},
    {"secret", "", "32 random bytes for SECRET_KEY", false},
    {"version", "", "versions of everything linked", false},
    {"dev-prepare", "", NULL, false},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

const struct cli_command *cli_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct cli_command *cli_suggest(const char *name)
{
    const struct cli_command *best = NULL;
    unsigned best_distance = 3; /* further away it is another word */
    for (size_t i = 0; i < COMMANDS; i++) {
        bool is_start = strlen(name) >= 2 && strncmp(commands[i].name, name, strlen(name)) == 0;
        unsigned d = is_start ? 0 : edit_distance(slice_str(name), slice_str(commands[i].name));
        if (commands[i].does && d < best_distance && d < strlen(name)) {
            best = &commands[i];
            best_distance = d;
        }
    }
    return best;
}

void cli_print_table(FILE *out)
{
    fprintf(out, "neap: a server for HTTP APIs that you script in Lua\n\nusage: neap COMMAND ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        char left[64];
        if (commands[i].does == NULL)
            continue;
        snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].arguments);
        fprintf(out, "  %-58s %s\n", left, commands[i].does);
    }
    fprintf(out,
            "\nEach command tells more with --help. Exit codes: 0, 1 (failed), 64 (wrong usage), 78 (configuration).\n");
}

void cli_print_help(FILE *out, bool dev)
{
    if (dev)
        fprintf(out,
                "usage: neap dev [DIR] [--host HOST] [--port PORT] [--as EMAIL] [--no-watch]\n\n"
                "Serves the application in DIR (here, by default). A saved Lua file is live for the next request; one that\n"
                "does not load changes nothing and is told. Without DATABASE_URL a private Postgres is started, migrated\n"
                "and seeded; without SECRET_KEY one is made in .neap/.\n\n"
                "  --host HOST    listen on this address (HOST)\n"
                "  --port PORT    and this port, 0 for any free one (PORT)\n"
                "  --as EMAIL     sign requests without a token in as this user, who is made when missing\n"
                "  --no-watch     do not look for saved files\n");
    else
        fprintf(out,
                "usage: neap serve [DIR] [--host HOST] [--port PORT] [--workers N]\n\n"
                "Serves the application in DIR (here, by default) as a service. Nothing is made up: what is missing is an\n"
                "error (exit 78). SIGTERM drains, SIGHUP loads the application anew.\n\n"
                "  --host HOST    listen on this address (HOST)\n"
                "  --port PORT    and this port, 0 for any free one (PORT)\n"
                "  --workers N    so many processes answer (WORKERS; by default one a core)\n");
}

int cli_complain(int rc, const char *err)
{
    if (rc != -EXIT_CONFIG) {
        fprintf(stderr, "neap: %s\n", err);
        return EXIT_FAILED;
    }
    fprintf(stderr, "neap: the configuration is wrong\n");
    while (*err) {
        size_t n = strcspn(err, "\n");
        fprintf(stderr, "  %.*s\n", (int)n, err);
        err += n + (err[n] == '\n');
    }
    return EXIT_CONFIG;
}

struct flag {
    const char *name;
    const char **value;
    int64_t min, max; /* of a number; both 0: any text */
};

/* --name VALUE or --name=VALUE. 0 when argv[*i] is not this flag, 1 when it was taken, -1 with a reason. */
static int take(const struct flag *f, int argc, char **argv, int *i, char err[static ERR_MAX])
{
    size_t n = strlen(f->name);
    const char *arg = argv[*i], *value;
    int64_t number;

    if (strncmp(arg, f->name, n) != 0 || (arg[n] != '\0' && arg[n] != '='))
        return 0;
    if (arg[n] == '=')
        value = arg + n + 1;
    else if (*i + 1 < argc)
        value = argv[++*i];
    else
        return fail(err, "%s needs a value", f->name);
    if (value[0] == '\0')
        return fail(err, "%s needs a value", f->name);
    if (f->max > 0 && (number_read_i64(slice_str(value), &number) != NUMBER_OK || number < f->min || number > f->max))
        return fail(err, "%s must be a number between %lld and %lld", f->name, (long long)f->min, (long long)f->max);
    *f->value = value;
    return 1;
}

static int take_any(struct cli *c, bool dev, int argc, char **argv, int *i, char err[static ERR_MAX])
{
    const struct flag flags[] = {
        {"--host", &c->host, 0, 0},
        {"--port", &c->port, 0, 65535},
        dev ? (struct flag){"--as", &c->as, 0, 0} : (struct flag){"--workers", &c->workers, 1, 1024},
    };
    for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++) {
        int rc = take(&flags[k], argc, argv, i, err);
        if (rc != 0)
            return rc;
    }
    if (dev && strcmp(argv[*i], "--no-watch") == 0) {
        c->no_watch = true;
        return 1;
    }
    return 0;
}

int cli_parse(struct cli *c, bool dev, int argc, char **argv, char err[static ERR_MAX])
{
    *c = (struct cli){0};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            c->help = true;
            continue;
        }
        int rc = take_any(c, dev, argc, argv, &i, err);
        if (rc < 0)
            return -1;
        if (rc > 0)
            continue;
        if (argv[i][0] == '-')
            return fail(err, "%s is not a flag of this command", argv[i]);
        if (c->dir)
            return fail(err, "one folder is enough: %s and %s", c->dir, argv[i]);
        c->dir = argv[i];
    }
    if (c->dir == NULL)
        c->dir = ".";
    return 0;
}
