/* The descriptive half of options.h: a command's options as people read them. */
#include "cmd/heldby/options.h"

#include <string.h>

const char *option_spelling(const struct option_spec *spec, char *out, size_t size)
{
    char short_form[8] = "";
    if (spec->short_name)
        snprintf(short_form, sizeof short_form, "-%c, ", spec->short_name);
    snprintf(out, size, "%s--%s%s%s", short_form, spec->name, spec->operand ? " " : "",
             spec->operand ? spec->operand : "");
    return out;
}

struct synopsis {
    FILE *to;
    unsigned width, indent, column;
};

static void put_word(struct synopsis *s, const char *word)
{
    unsigned length = (unsigned)strlen(word);
    if (s->column + 1 + length > s->width && s->column > s->indent) {
        fprintf(s->to, "\n%*s", (int)s->indent, "");
        s->column = s->indent;
    } else {
        fputc(' ', s->to);
        s->column++;
    }
    fputs(word, s->to);
    s->column += length;
}

static void put_option(const struct option_spec *spec, void *arg)
{
    char word[128];
    if (spec->short_name)
        snprintf(word, sizeof word, "[-%c%s%s]", spec->short_name, spec->operand ? " " : "",
                 spec->operand ? spec->operand : "");
    else
        snprintf(word, sizeof word, "[--%s%s%s]%s", spec->name, spec->operand ? " " : "",
                 spec->operand ? spec->operand : "", spec->kind == OPTION_LIST ? "..." : "");
    put_word(arg, word);
}

void options_print_synopsis(const struct command *command, unsigned width, FILE *to)
{
    struct synopsis s = {.to = to, .width = width, .indent = (unsigned)strlen(command->name) + 7};
    fprintf(to, "heldby %s", command->name);
    s.column = s.indent;
    options_each(command, put_option, &s);
    if (*command->operands)
        put_word(&s, command->operands);
    fputc('\n', to);
}

struct table_print {
    FILE *to;
    int width;
};

static void measure_option(const struct option_spec *spec, void *arg)
{
    struct table_print *table = arg;
    char text[128];
    int width = (int)strlen(option_spelling(spec, text, sizeof text)) + (spec->short_name ? 0 : 4);
    if (width > table->width && width <= 34)
        table->width = width;
}

static void print_option(const struct option_spec *spec, void *arg)
{
    struct table_print *table = arg;
    char text[128];
    option_spelling(spec, text, sizeof text);
    const char *indent = spec->short_name ? "" : "    ";
    if ((int)(strlen(text) + strlen(indent)) > table->width)
        fprintf(table->to, "  %s%s\n  %*s", indent, text, table->width, "");
    else
        fprintf(table->to, "  %s%-*s", indent, table->width - (int)strlen(indent), text);
    fprintf(table->to, "  %s", spec->summary);
    if (spec->later && spec->kind == OPTION_CHOICE)
        fprintf(table->to, " (not yet: %s)", spec->later);
    else if (spec->later)
        fprintf(table->to, " (%s)", spec->later);
    fputc('\n', table->to);
}

void options_print_table(const struct command *command, FILE *to)
{
    struct table_print table = {.to = to, .width = 0};
    options_each(command, measure_option, &table);
    options_each(command, print_option, &table);
}
