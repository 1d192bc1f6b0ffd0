/* command.h -- what a command of heldby is, and what one gets when it runs.
 *
 * The table in commands.c is the single truth: dispatch, -h, `heldby help`, the man pages and the shell
 * completions all read it. To add a command:
 *   1. write cmd_NAME.c with `bool cmd_NAME(const struct invocation *in, struct error *err)`, declared at the
 * end here;
 *   2. add its options and its row to commands.c, in the order in which `heldby help` should list it;
 *   3. write docs/man/NAME.txt (the body of its page) and at least one case in tests/cli/NAME/.
 * A command prints its answer through output.h and nothing else; it returns true for exit status 0, or false
 * with *err filled: err->code is the exit status (ERROR_NOT_FOUND is 1: nothing found), and main prints the
 * message once.
 */
#ifndef HELDBY_COMMAND_H
#define HELDBY_COMMAND_H

#include "lib/base/error.h"

enum option_kind {
    OPTION_FLAG,    /* no value */
    OPTION_NUMBER,  /* decimal or 0x..., with KiB, MiB, GiB or k, M, G accepted after it */
    OPTION_SECONDS, /* decimal fraction, never negative */
    OPTION_TEXT,
    OPTION_LIST,   /* text, may be given several times */
    OPTION_CHOICE, /* one of the words in `operand`, separated by | */
};

struct option_spec {
    const char *name; /* long name without dashes */
    char short_name;  /* or 0 */
    enum option_kind kind;
    const char *operand; /* what the value is called: "N", "FILE", "tree|dot"; NULL for a flag */
    const char *summary; /* one line, lower case, no full stop */
    const char *later; /* NULL, or why this is not answered yet: giving the option is then a usage error. For
                          a choice: the words that are not answered yet, separated by | */
};

struct invocation;

struct command {
    const char *name;
    const char *operands; /* "FILE OBJECT..." as shown in the synopsis */
    const char *summary;  /* one line, lower case, no full stop */
    const struct option_spec
        *options; /* its own; ends with an all-zero one. Those every command has come on top, unless `bare` */
    int least_operands, most_operands; /* most -1: any number */
    bool (*run)(const struct invocation *in, struct error *err);
    bool program_operands; /* the operands are another program's command line: the first one ends the options
                            */
    bool bare;             /* has only its own options and -h: no --json, --limit ... */
    bool hidden;           /* not listed by help */
};

extern const struct command commands[];               /* ends with { .name = NULL } */
extern const struct option_spec common_options[];     /* ends with an all-zero one */
const struct command *command_find(const char *name); /* or NULL */

/* A parsed command line. Texts are borrowed from argv. */
struct option_value {
    const struct option_spec *spec;
    const char *text; /* NULL for a flag */
    uint64_t number;
    double seconds;
};

struct invocation {
    const struct command *command;
    struct option_value *values; /* in the order given */
    size_t value_count;
    char **operands; /* NULL-terminated */
    size_t operand_count;
};

/* What an option was given as; the last one given counts. `name` is the long name; one that the command does
   not have is never given. */
bool option_given(const struct invocation *in, const char *name);
const char *option_text(const struct invocation *in, const char *name, const char *fallback);
uint64_t option_number(const struct invocation *in, const char *name, uint64_t fallback);
double option_seconds(const struct invocation *in, const char *name, double fallback);
/* The n-th value (from 0) of a repeatable option, or NULL. */
const char *option_item(const struct invocation *in, const char *name, size_t n);

/* A usage error of this command (exit status 2); returns false. Main adds the pointer to `heldby help
 * COMMAND`. */
bool usage_error(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool cmd_convert(const struct invocation *in, struct error *err);
bool cmd_cycles(const struct invocation *in, struct error *err);
bool cmd_diff(const struct invocation *in, struct error *err);
bool cmd_dominators(const struct invocation *in, struct error *err);
bool cmd_dump(const struct invocation *in, struct error *err);
bool cmd_export(const struct invocation *in, struct error *err);
bool cmd_find(const struct invocation *in, struct error *err);
bool cmd_growth(const struct invocation *in, struct error *err);
bool cmd_help(const struct invocation *in, struct error *err);
bool cmd_histogram(const struct invocation *in, struct error *err);
bool cmd_info(const struct invocation *in, struct error *err);
bool cmd_path(const struct invocation *in, struct error *err);
bool cmd_refcheck(const struct invocation *in, struct error *err);
bool cmd_referents(const struct invocation *in, struct error *err);
bool cmd_referrers(const struct invocation *in, struct error *err);
bool cmd_retained(const struct invocation *in, struct error *err);
bool cmd_run(const struct invocation *in, struct error *err);
bool cmd_show(const struct invocation *in, struct error *err);
bool cmd_unreachable(const struct invocation *in, struct error *err);
bool cmd_verify(const struct invocation *in, struct error *err);

#endif
