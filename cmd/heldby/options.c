#include "cmd/heldby/options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/edit_distance.h"

static const struct option_spec help_option = {"help", 'h', OPTION_FLAG, NULL, "show this help", NULL};

bool usage_error(struct error *err, const char *format, ...)
{
    char text[480];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(err, ERROR_USAGE, "%s", text);
}

static const struct option_spec *find_in(const struct option_spec *specs, const char *name, size_t length)
{
    for (const struct option_spec *s = specs; s && s->name; s++) {
        if (strlen(s->name) == length && memcmp(s->name, name, length) == 0)
            return s;
    }
    return NULL;
}

/* A common option gives way to one of the command's own with the same long or short name. */
static bool replaced(const struct command *command, const struct option_spec *common)
{
    for (const struct option_spec *s = command->options; s && s->name; s++) {
        if (strcmp(s->name, common->name) == 0 || (common->short_name && s->short_name == common->short_name))
            return true;
    }
    return false;
}

void options_each(const struct command *command, void (*visit)(const struct option_spec *spec, void *arg),
                  void *arg)
{
    for (const struct option_spec *s = command->options; s && s->name; s++)
        visit(s, arg);
    for (const struct option_spec *s = common_options; !command->bare && s->name; s++) {
        if (!replaced(command, s))
            visit(s, arg);
    }
    visit(&help_option, arg);
}

static const struct option_spec *find_long(const struct command *command, const char *name, size_t length)
{
    const struct option_spec *spec = find_in(command->options, name, length);
    if (!spec && !command->bare) {
        spec = find_in(common_options, name, length);
        if (spec && replaced(command, spec))
            spec = NULL;
    }
    if (!spec && length == 4 && memcmp(name, "help", 4) == 0)
        spec = &help_option;
    return spec;
}

struct short_search {
    char wanted;
    const struct option_spec *found;
};

static void match_short(const struct option_spec *spec, void *arg)
{
    struct short_search *search = arg;
    if (!search->found && spec->short_name == search->wanted)
        search->found = spec;
}

static const struct option_spec *find_short(const struct command *command, char name)
{
    struct short_search search = {name, NULL};
    options_each(command, match_short, &search);
    return search.found;
}

enum { MOST_OPTIONS = 64, LONGEST_WORD = 63 };

struct name_list {
    const char *names[MOST_OPTIONS];
    size_t count;
};

static void collect_name(const struct option_spec *spec, void *arg)
{
    struct name_list *list = arg;
    if (list->count < MOST_OPTIONS)
        list->names[list->count++] = spec->name;
}

const char *nearest_word(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    unsigned least = UINT32_MAX;
    size_t length = strlen(word);
    for (size_t i = 0; i < count; i++) {
        unsigned distance = edit_distance(word, candidates[i]);
        if (length >= 3 && strncmp(word, candidates[i], length) == 0)
            distance = 1; /* an abbreviation */
        if (distance < least) {
            least = distance;
            nearest = candidates[i];
        }
    }
    return least <= 1 + length / 4 ? nearest : NULL;
}

static bool unknown_option(const struct command *command, const char *name, size_t length, struct error *err)
{
    char word[LONGEST_WORD + 1];
    snprintf(word, sizeof word, "%.*s", (int)(length < LONGEST_WORD ? length : LONGEST_WORD), name);
    struct name_list list = {.count = 0};
    options_each(command, collect_name, &list);
    const char *nearest = nearest_word(word, list.names, list.count);
    if (nearest)
        return usage_error(err, "unknown option --%s; did you mean --%s?", word, nearest);
    return usage_error(err, "unknown option --%s", word);
}

static bool is_word_of(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; at && *at;) {
        size_t n = strcspn(at, "|");
        if (n == length && memcmp(at, word, n) == 0)
            return true;
        at += n + (at[n] == '|');
    }
    return false;
}

static bool parse_number(const char *text, uint64_t *ret)
{
    static const struct {
        const char *suffix;
        uint64_t factor;
    } units[] = {{"", 1},          {"k", 1000},      {"M", 1000000}, {"G", 1000000000}, {"KiB", 1 << 10},
                 {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"K", 1 << 10}, {"B", 1}};
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
    if (errno)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].suffix) == 0)
            return !__builtin_mul_overflow((uint64_t)value, units[i].factor, ret);
    }
    return false;
}

static bool parse_value(struct option_value *value, struct error *err)
{
    const struct option_spec *spec = value->spec;
    const char *text = value->text;
    char *end;
    switch (spec->kind) {
    case OPTION_NUMBER:
        if (!parse_number(text, &value->number))
            return usage_error(err, "--%s wants a number, not '%s'", spec->name, text);
        break;
    case OPTION_SECONDS:
        value->seconds = strtod(text, &end);
        if (*text == 0 || *end || !isfinite(value->seconds) || value->seconds < 0)
            return usage_error(err, "--%s wants a number of seconds, not '%s'", spec->name, text);
        break;
    case OPTION_CHOICE:
        if (!is_word_of(spec->operand, text))
            return usage_error(err, "--%s wants one of %s, not '%s'", spec->name, spec->operand, text);
        if (spec->later && is_word_of(spec->later, text))
            return usage_error(err, "--%s %s is not answered by this version", spec->name, text);
        break;
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_LIST:
        break;
    }
    if (spec->later && spec->kind != OPTION_CHOICE)
        return usage_error(err, "--%s is %s", spec->name, spec->later);
    return true;
}

/* Parses the option at argv[*at]; leaves *at on the last argument it used. */
static bool parse_option(const struct command *command, int argc, char **argv, int *at, struct invocation *in,
                         struct error *err)
{
    const char *arg = argv[*at];
    struct option_value *value = &in->values[in->value_count];
    *value = (struct option_value){0};
    if (arg[1] == '-') {
        size_t length = strcspn(arg + 2, "=");
        value->spec = find_long(command, arg + 2, length);
        if (!value->spec)
            return unknown_option(command, arg + 2, length, err);
        if (arg[2 + length] == '=')
            value->text = arg + 2 + length + 1;
    } else {
        value->spec = find_short(command, arg[1]);
        if (!value->spec)
            return usage_error(err, "unknown option -%c", arg[1]);
        if (arg[2])
            value->text = arg + 2;
    }
    if (value->spec->kind == OPTION_FLAG) {
        if (value->text)
            return usage_error(err, "--%s takes no value", value->spec->name);
    } else if (!value->text) {
        if (*at + 1 >= argc)
            return usage_error(err, "--%s wants a value: --%s %s", value->spec->name, value->spec->name,
                               value->spec->operand);
        value->text = argv[++*at];
    }
    if (!parse_value(value, err))
        return false;
    in->value_count++;
    return true;
}

static bool check_operands(const struct invocation *in, struct error *err)
{
    const struct command *command = in->command;
    if (option_given(in, "help"))
        return true;
    if (in->operand_count < (size_t)command->least_operands)
        return usage_error(err, "%s wants %s", command->name, command->operands);
    if (command->most_operands >= 0 && in->operand_count > (size_t)command->most_operands)
        return usage_error(err, "%s takes only %s: what is '%s'?", command->name,
                           *command->operands ? command->operands : "options",
                           in->operands[command->most_operands]);
    return true;
}

bool options_parse(const struct command *command, int argc, char **argv, int first, struct invocation *ret,
                   struct error *err)
{
    size_t room = (size_t)(argc - first) + 1;
    *ret = (struct invocation){.command = command};
    ret->values = calloc(room, sizeof *ret->values);
    ret->operands = calloc(room, sizeof *ret->operands);
    if (!ret->values || !ret->operands) {
        invocation_deinit(ret);
        return error_no_memory(err);
    }
    bool ended = false;
    for (int i = first; i < argc; i++) {
        const char *arg = argv[i];
        if (ended || arg[0] != '-' || arg[1] == 0) {
            ret->operands[ret->operand_count++] = argv[i];
            ended = ended || command->program_operands;
        } else if (strcmp(arg, "--") == 0) {
            ended = true;
        } else if (!parse_option(command, argc, argv, &i, ret, err)) {
            invocation_deinit(ret);
            return false;
        }
    }
    if (!check_operands(ret, err)) {
        invocation_deinit(ret);
        return false;
    }
    return true;
}

void invocation_deinit(struct invocation *in)
{
    free(in->values);
    free(in->operands);
    *in = (struct invocation){0};
}

static const struct option_value *last_value(const struct invocation *in, const char *name)
{
    for (size_t i = in->value_count; i-- > 0;) {
        if (strcmp(in->values[i].spec->name, name) == 0)
            return &in->values[i];
    }
    return NULL;
}

bool option_given(const struct invocation *in, const char *name)
{
    return last_value(in, name) != NULL;
}

const char *option_text(const struct invocation *in, const char *name, const char *fallback)
{
    const struct option_value *value = last_value(in, name);
    return value ? value->text : fallback;
}

uint64_t option_number(const struct invocation *in, const char *name, uint64_t fallback)
{
    const struct option_value *value = last_value(in, name);
    return value ? value->number : fallback;
}

double option_seconds(const struct invocation *in, const char *name, double fallback)
{
    const struct option_value *value = last_value(in, name);
    return value ? value->seconds : fallback;
}

const char *option_item(const struct invocation *in, const char *name, size_t n)
{
    for (size_t i = 0; i < in->value_count; i++) {
        if (strcmp(in->values[i].spec->name, name) == 0 && n-- == 0)
            return in->values[i].text;
    }
    return NULL;
}
