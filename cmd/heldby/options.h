/* options.h -- parses a command line by a command's option table, and describes the table to people.
 *
 * Long options as --name value or --name=value, short ones as -o value or -ovalue; -- ends the options;
 * options and operands may be mixed unless the command takes a program's command line. Every mistake is an
 * ERROR_USAGE with one line that says what to write instead. Parsing prints nothing.
 */
#ifndef HELDBY_OPTIONS_H
#define HELDBY_OPTIONS_H

#include <stdio.h>

#include "cmd/heldby/command.h"

/* Parses argv[first..argc). On success *ret must be released with invocation_deinit. When -h is given,
   operands are not counted, so that `heldby path -h` works. */
bool options_parse(const struct command *command, int argc, char **argv, int first, struct invocation *ret,
                   struct error *err);
void invocation_deinit(struct invocation *in);

/* Calls `visit` for each option of a command in the order in which help shows them: its own, then the common
   ones it does not replace, then -h. */
void options_each(const struct command *command, void (*visit)(const struct option_spec *spec, void *arg),
                  void *arg);

/* "heldby path [--all] [--max N] FILE OBJECT", broken at `width` columns with a hanging indent. */
void options_print_synopsis(const struct command *command, unsigned width, FILE *to);
/* The table of options, aligned. */
void options_print_table(const struct command *command, FILE *to);
/* "-o, --output FILE" */
const char *option_spelling(const struct option_spec *spec, char *out, size_t size);

/* The candidate nearest to `word` by edits, or NULL when none is near enough to be what was meant. */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
