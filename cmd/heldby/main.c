/* heldby -- who holds this memory? Finds the command, parses its options, runs it, and turns an error into
 * one line on standard error and an exit status. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/heldby/options.h"
#include "cmd/heldby/progress.h"
#include "cmd/heldby/text.h"

/* A file we open must never become standard error (or input) because the caller closed those. Standard output
   is left unwritable, so that writing to it fails as it would have. */
static void reserve_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) != fd)
            return;
    }
}

static int report(const struct error *err, const struct command *command)
{
    char line[2700], clean[8192];
    progress_clear();
    error_text(err, line, sizeof line);
    /* Who pipes into head or less has what he wants: no word, as other tools do, but the status. */
    if (*err->message && err->os_errno != EPIPE)
        fprintf(stderr, "heldby: %s\n", text_clean(line, strlen(line), clean, sizeof clean));
    if (err->code == ERROR_USAGE && command)
        fprintf(stderr, "try 'heldby help %s'\n", command->name);
    return err->code == ERROR_NONE ? ERROR_SYSTEM : (int)err->code;
}

static const struct command *choose_command(const char *name, struct error *err)
{
    const struct command *command = command_find(name);
    if (command)
        return command;
    const char *names[64];
    size_t count = 0;
    for (const struct command *c = commands; c->name && count < 64; c++)
        names[count++] = c->name;
    const char *nearest = nearest_word(name, names, count);
    if (name[0] == '-')
        usage_error(err, "the command comes first: heldby COMMAND %s", name);
    else if (nearest)
        usage_error(err, "no command '%s'; did you mean %s?", name, nearest);
    else
        usage_error(err, "no command '%s'; 'heldby help' lists them", name);
    return NULL;
}

static int run_command(const struct command *command, int argc, char **argv, int first)
{
    struct error err = {0};
    struct invocation in;
    if (!options_parse(command, argc, argv, first, &in, &err))
        return report(&err, command);
    bool done;
    if (option_given(&in, "help") && command->run != cmd_help) {
        char *name[] = {(char *)command->name, NULL};
        struct invocation help = {.command = command_find("help"), .operands = name, .operand_count = 1};
        done = cmd_help(&help, &err);
    } else {
        done = command->run(&in, &err);
    }
    progress_clear();
    invocation_deinit(&in);
    return done ? 0 : report(&err, command);
}

int main(int argc, char **argv)
{
    struct error err = {0};
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        fprintf(stderr, "usage: heldby COMMAND [OPTIONS] FILE... [OBJECT...]\ntry 'heldby help'\n");
        return ERROR_USAGE;
    }
    if (strcmp(name, "run") != 0)
        reserve_standard_streams();
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        puts("heldby " HELDBY_VERSION);
        return fflush(stdout) == 0 ? 0 : ERROR_SYSTEM;
    }
    const struct command *command = choose_command(name, &err);
    if (!command)
        return report(&err, NULL);
    return run_command(command, argc, argv, 2);
}
