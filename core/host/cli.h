#ifndef HOST_CLI_H
#define HOST_CLI_H
/* The command line: which commands there are, and the flags of the two that C runs itself. */
#include "base/error.h"
#include <stdbool.h>
#include <stdio.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 64, EXIT_CONFIG = 78 };

struct cli_command {
    const char *name;
    const char *arguments; /* as the table shows them */
    const char *does;      /* NULL: hidden */
    bool needs_config;     /* wrong settings end it; others run with the defaults */
};

const struct cli_command *cli_find(const char *name);    /* NULL: there is none */
const struct cli_command *cli_suggest(const char *name); /* the one that was probably meant, or NULL */
void cli_print_table(FILE *out);
/* err on stderr, a line each; -78 says that they are settings. Returns the exit code. */
int cli_complain(int rc, const char *err);

struct cli {         /* of `neap dev` and `neap serve`; borrowed from argv; NULL where not given */
    const char *dir; /* "." by default */
    const char *host, *port, *workers;
    const char *as;
    bool no_watch;
    bool help;
};

/* argv: what follows the command's name. 0, or -1 with a reason. */
int cli_parse(struct cli *c, bool dev, int argc, char **argv, char err[static ERR_MAX]) __attribute__((warn_unused_result));
void cli_print_help(FILE *out, bool dev);
#endif
