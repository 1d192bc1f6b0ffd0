/* heldby help: the list of commands, one command, its manual page, completion scripts. */
#include <string.h>

#include "cmd/heldby/man_pages.h"
#include "cmd/heldby/options.h"
#include "cmd/heldby/output.h"

static void list_commands(struct output *out)
{
    fprintf(out->to, "heldby %s -- who holds this memory?\n\n", HELDBY_VERSION);
    fprintf(out->to, "usage: heldby COMMAND [OPTIONS] FILE... [OBJECT...]\n\n");
    for (const struct command *c = commands; c->name; c++) {
        if (!c->hidden)
            fprintf(out->to, "  %-10s  %s\n", c->name, c->summary);
    }
    fputs("\nFILE is a snapshot (.held) or an ELF core (also as .zst). OBJECT is an address\n"
          "(0x7f..., or what id() gave), @N (its number in the file), or a path:\n"
          "myapp._CACHE['k7'][50].attr\n\n"
          "A leak in four commands:\n"
          "  heldby run -- python3 app.py &                    start it with the hook\n"
          "  kill -USR2 PID                                    twice, some time apart\n"
          "  heldby diff app.PID.1.held app.PID.2.held         which type grew\n"
          "  heldby path app.PID.2.held --type myapp.Session   who holds it\n\n"
          "'heldby help COMMAND' explains a command and its options. Exit status: 0 answered,\n"
          "1 nothing found, 2 usage, 3 bad input, 4 the system said no.\n",
          out->to);
}

static void explain_command(struct output *out, const struct command *command)
{
    fprintf(out->to, "%s%s%s -- %s\n\n", output_style(out, STYLE_STRONG), command->name,
            out->colored ? output_style(out, STYLE_PLAIN) : "", command->summary);
    options_print_synopsis(command, out->width ? out->width : 78, out->to);
    fputs("\n", out->to);
    options_print_table(command, out->to);
    const char *body = man_body_of(command->name);
    if (body)
        fprintf(out->to, "\n%s", body);
}

static bool answer(const struct invocation *in, struct output *out, struct error *err)
{
    const struct command *command = NULL;
    if (option_given(in, "completion")) {
        completion_print(option_text(in, "completion", "bash"), out->to);
        return true;
    }
    if (option_given(in, "list")) {
        for (const struct command *c = commands; c->name; c++) {
            if (!c->hidden)
                fprintf(out->to, "%s\n", c->name);
        }
        return true;
    }
    if (in->operand_count && !(option_given(in, "man") && strcmp(in->operands[0], "heldby") == 0)) {
        command = command_find(in->operands[0]);
        if (!command)
            return usage_error(err, "no command '%s'; 'heldby help' lists them", in->operands[0]);
    } else if (option_given(in, "help")) {
        command = in->command;
    }
    if (option_given(in, "man"))
        man_page_print(command, out->to);
    else if (option_given(in, "synopsis") && command)
        options_print_synopsis(command, 78, out->to);
    else if (command)
        explain_command(out, command);
    else
        list_commands(out);
    return true;
}

bool cmd_help(const struct invocation *in, struct error *err)
{
    return output_answer(in, answer, err);
}
