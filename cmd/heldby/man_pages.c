#include "cmd/heldby/man_pages.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/options.h"

const char *man_body_of(const char *name)
{
    for (const struct man_body *b = man_bodies; b->name; b++) {
        if (strcmp(b->name, name) == 0)
            return b->text;
    }
    return NULL;
}

/* Text of one line; a leading control character, backslashes and hyphens must not mean anything to roff. */
static void put_roff(const char *text, size_t length, FILE *to)
{
    if (length && (text[0] == '.' || text[0] == '\''))
        fputs("\\&", to);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\\')
            fputs("\\e", to);
        else if (text[i] == '-')
            fputs("\\-", to);
        else
            fputc(text[i], to);
    }
}

static void put_roff_text(const char *text, FILE *to)
{
    put_roff(text, strlen(text), to);
}

static bool is_heading(const char *line, size_t length)
{
    if (length < 3 || !isupper((unsigned char)line[0]))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (islower((unsigned char)line[i]))
            return false;
    }
    return true;
}

static void put_body(const char *text, FILE *to)
{
    bool example = false;
    while (*text) {
        size_t length = strcspn(text, "\n");
        bool indented = length >= 4 && strncmp(text, "    ", 4) == 0;
        if (example && !indented && length) {
            fputs(".fi\n.RE\n", to);
            example = false;
        }
        if (length == 0) {
            fputs(example ? "\n" : ".PP\n", to);
        } else if (indented) {
            if (!example)
                fputs(".RS 4\n.nf\n", to);
            example = true;
            put_roff(text + 4, length - 4, to);
            fputc('\n', to);
        } else {
            if (is_heading(text, length))
                fputs(".SH ", to);
            put_roff(text, length, to);
            fputc('\n', to);
        }
        text += length + (text[length] == '\n');
    }
    if (example)
        fputs(".fi\n.RE\n", to);
}

static void put_option(const struct option_spec *spec, void *arg)
{
    FILE *to = arg;
    char spelling[128];
    fputs(".TP\n.B ", to);
    put_roff_text(option_spelling(spec, spelling, sizeof spelling), to);
    fputc('\n', to);
    put_roff_text(spec->summary, to);
    if (spec->later) {
        fputs(spec->kind == OPTION_CHOICE ? " (not yet: " : " (", to);
        put_roff_text(spec->later, to);
        fputc(')', to);
    }
    fputs(".\n", to);
}

static void put_synopsis(const struct command *command, FILE *to)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return;
    options_print_synopsis(command, 78, memory);
    if (fclose(memory) == 0) {
        fputs(".nf\n", to);
        for (size_t at = 0; at < size;) {
            size_t length = strcspn(text + at, "\n");
            put_roff(text + at, length, to);
            fputc('\n', to);
            at += length + 1;
        }
        fputs(".fi\n", to);
    }
    free(text);
}

static void put_commands(FILE *to)
{
    fputs(".SH COMMANDS\n", to);
    for (const struct command *c = commands; c->name; c++) {
        if (c->hidden)
            continue;
        fprintf(to, ".TP\n.BR heldby\\-%s (1)\n", c->name);
        put_roff_text(c->summary, to);
        fputs(".\n", to);
    }
}

void man_page_print(const struct command *command, FILE *to)
{
    const char *body = man_body_of(command ? command->name : "heldby");
    fprintf(to, ".TH HELDBY%s%s 1 \"\" \"heldby %s\" \"heldby manual\"\n", command ? "\\-" : "",
            command ? command->name : "", HELDBY_VERSION);
    fputs(".SH NAME\n", to);
    if (command)
        fprintf(to, "heldby\\-%s \\- ", command->name);
    else
        fputs("heldby \\- ", to);
    put_roff_text(command ? command->summary : "find out who holds the memory of a program", to);
    fputs("\n.SH SYNOPSIS\n", to);
    if (command)
        put_synopsis(command, to);
    else
        fputs(".B heldby\nCOMMAND [OPTIONS] FILE... [OBJECT...]\n", to);
    if (!command)
        put_commands(to);
    if (body) {
        if (!is_heading(body, strcspn(body, "\n")))
            fputs(".SH DESCRIPTION\n", to);
        put_body(body, to);
    }
    if (command) {
        fputs(".SH OPTIONS\n", to);
        options_each(command, put_option, to);
        fputs(".SH SEE ALSO\n.BR heldby (1)\n", to);
    }
}
