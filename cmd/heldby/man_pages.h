/* man_pages.h -- the bodies of the manual pages, built into the program from docs/man, and the pages made of
 * them.
 *
 * A body is plain text: a line in capitals at the margin is a heading, a line indented by four spaces is
 * shown as it is (an example), everything else is a paragraph. Synopsis and options are not in a body: they
 * come from the command table.
 */
#ifndef HELDBY_MAN_PAGES_H
#define HELDBY_MAN_PAGES_H

#include <stdio.h>

#include "cmd/heldby/command.h"

struct man_body {
    const char *name; /* a command's name, or "heldby" */
    const char *text;
};

extern const struct man_body
    man_bodies[]; /* generated at build time (man_bodies.cmake); ends with an all-zero one */

const char *man_body_of(const char *name); /* or NULL */

/* The page as roff for man(1). `command` NULL: the page of heldby itself. */
void man_page_print(const struct command *command, FILE *to);

/* A completion script; `shell` is "bash" or "zsh". */
void completion_print(const char *shell, FILE *to);

#endif
