/* Completion scripts for bash and zsh, from the command table. */
#include "cmd/heldby/man_pages.h"

#include <string.h>

#include "cmd/heldby/options.h"

static void put_name(const struct option_spec *spec, void *arg)
{
    fprintf(arg, " --%s", spec->name);
}

static void put_words(const char *words, FILE *to)
{
    for (const char *c = words; *c; c++)
        fputc(*c == '|' ? ' ' : *c, to);
}

static void put_choice(const struct option_spec *spec, void *arg)
{
    if (spec->kind != OPTION_CHOICE)
        return;
    fprintf(arg, "            --%s) words=\"", spec->name);
    put_words(spec->operand, arg);
    fputs("\" ;;\n", arg);
}

static void print_bash(FILE *to)
{
    fputs("# bash completion for heldby; made by `heldby help --completion bash`\n"
          "_heldby()\n"
          "{\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
          "command=${COMP_WORDS[1]} words=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "        words=\"--version",
          to);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "%s%s", c->hidden ? "" : " ", c->hidden ? "" : c->name);
    fputs("\"\n        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n        return\n    fi\n"
          "    case $command in\n",
          to);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, "    %s)\n        case $previous in\n", c->name);
        options_each(c, put_choice, to);
        fputs("            *) case $current in -*) words=\"", to);
        options_each(c, put_name, to);
        fputs("\" ;; esac ;;\n        esac\n", to);
        if (c->run == cmd_help) {
            fputs("        [ -n \"$words\" ] || words=\"", to);
            for (const struct command *d = commands; d->name; d++)
                fprintf(to, " %s", d->hidden ? "" : d->name);
            fputs("\"\n", to);
        }
        fputs("        ;;\n", to);
    }
    fputs("    esac\n"
          "    if [ -n \"$words\" ]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
          "    else\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
          "    fi\n"
          "}\n"
          "complete -F _heldby heldby\n",
          to);
}

/* A description inside single quotes and brackets of _arguments. */
static void put_description(const char *text, FILE *to)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            fputs("'\\''", to);
        else if (strchr("[]:\\", *c))
            fprintf(to, "\\%c", *c);
        else
            fputc(*c, to);
    }
}

static void put_argument(const struct option_spec *spec, void *arg)
{
    FILE *to = arg;
    fprintf(to, "            '%s--%s%s[", spec->kind == OPTION_LIST ? "*" : "", spec->name,
            spec->kind == OPTION_FLAG ? "" : "=");
    put_description(spec->summary, to);
    fputc(']', to);
    if (spec->kind == OPTION_CHOICE) {
        fprintf(to, ":%s:(", spec->name);
        put_words(spec->operand, to);
        fputc(')', to);
    } else if (spec->kind != OPTION_FLAG) {
        fprintf(to, ":%s:%s", spec->operand,
                strcmp(spec->operand, "FILE") == 0  ? "_files"
                : strcmp(spec->operand, "DIR") == 0 ? "_files -/"
                                                    : " ");
    }
    fputs("' \\\n", to);
}

static void print_zsh(FILE *to)
{
    fputs("#compdef heldby\n# zsh completion for heldby; made by `heldby help --completion zsh`\n"
          "_heldby()\n{\n    if (( CURRENT == 2 )); then\n        local -a names=(\n",
          to);
    for (const struct command *c = commands; c->name; c++) {
        if (c->hidden)
            continue;
        fprintf(to, "            '%s:", c->name);
        put_description(c->summary, to);
        fputs("'\n", to);
    }
    fputs("        )\n        _describe command names\n        return\n    fi\n"
          "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $command in\n",
          to);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(to, "    %s)\n        _arguments \\\n", c->name);
        options_each(c, put_argument, to);
        if (c->run == cmd_help) {
            fputs("            '1:command:(", to);
            for (const struct command *d = commands; d->name; d++)
                fprintf(to, "%s ", d->hidden ? "" : d->name);
            fputs(")' ;;\n", to);
        } else {
            fputs("            '*:file:_files' ;;\n", to);
        }
    }
    fputs("    esac\n}\n_heldby \"$@\"\n", to);
}

void completion_print(const char *shell, FILE *to)
{
    if (strcmp(shell, "zsh") == 0)
        print_zsh(to);
    else
        print_bash(to);
}
