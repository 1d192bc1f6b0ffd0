#include "lib/query/path_runs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/query/spelling.h"

static bool same_text(const struct path_step *a, const struct path_step *b)
{
    return strcmp(a->text, b->text) == 0;
}

size_t path_run(const struct path_step *steps, size_t count)
{
    size_t run = count ? 1 : 0;
    while (run < count && same_text(&steps[0], &steps[run]) && steps[0].uncertain == steps[run].uncertain &&
           strcmp(steps[0].type, steps[run].type) == 0)
        run++;
    return run;
}

/* How often the first `period` steps come one after the other. An expression names no types. */
static size_t repeats(const struct path_step *steps, size_t count, size_t period)
{
    size_t same = period;
    while (same < count && same_text(&steps[same], &steps[same - period]))
        same++;
    return same / period;
}

void path_runs_text(const struct path_step *steps, size_t count, struct text_buffer *to)
{
    for (size_t at = 0; at < count;) {
        size_t period = 1, times = 1;
        for (size_t p = 1; p <= PATH_RUN_PERIOD && at + p <= count && times == 1; p++) {
            size_t seen = repeats(steps + at, count - at, p);
            if (seen >= PATH_RUN_LEAST) {
                period = p;
                times = seen;
            }
        }
        bool parted = steps[at].text[0] == ' ';
        if (times > 1)
            text_buffer_add(to, parted ? " (" : "(");
        for (size_t i = 0; i < period; i++)
            text_buffer_add(to, steps[at + i].text + (times > 1 && i == 0 && parted));
        if (times > 1) {
            text_buffer_add(to, ")×");
            spelling_count(times, to);
        }
        at += period * times;
    }
}

bool path_runs_longer(const struct path *path, const char *step, struct text_buffer *to, struct error *err)
{
    size_t count = path->step_count - path->started;
    struct path_step *steps = malloc((count + 1) * sizeof *steps);
    if (!steps)
        return error_no_memory(err);
    if (count)
        memcpy(steps, path->steps + path->started, count * sizeof *steps);
    steps[count] = (struct path_step){.text = step};
    text_buffer_add(to, path->start);
    path_runs_text(steps, count + 1, to);
    free(steps);
    return true;
}

static const char times_sign[] = ")×";

/* Where the text that begins here in brackets or quotes goes on behind them; itself if it begins otherwise.
 */
static const char *skip_key(const char *at)
{
    if (*at != '[')
        return at;
    char quote = 0;
    unsigned depth = 0;
    for (; *at; at++) {
        if (quote) {
            if (*at == '\\' && at[1])
                at++;
            else if (*at == quote)
                quote = 0;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
        } else if (*at == '[') {
            depth++;
        } else if (*at == ']' && --depth == 0) {
            return at + 1;
        }
    }
    return at;
}

/* The end of a run that begins with this parenthesis, and how often it is; NULL: it is none. */
static const char *end_of_run(const char *open, const char **close, uint64_t *times)
{
    const char *at = open + 1;
    while (*at && *at != ')' && *at != '(')
        at = *at == '[' ? skip_key(at) : at + 1;
    if (strncmp(at, times_sign, strlen(times_sign)) != 0)
        return NULL;
    *close = at;
    at += strlen(times_sign);
    *times = 0;
    if (*at < '1' || *at > '9')
        return NULL;
    for (; (*at >= '0' && *at <= '9') || (*at == ' ' && at[1] >= '0' && at[1] <= '9'); at++) {
        if (*at != ' ')
            *times = *times * 10 + (uint64_t)(*at - '0');
        if (*times > PATH_RUNS_EXPANDED)
            return NULL;
    }
    return at;
}

bool path_runs_expand(const char *text, struct text_buffer *to)
{
    bool any = false;
    if (!strstr(text, times_sign))
        return false;
    while (*text) {
        const char *close, *end = NULL, *start = text;
        uint64_t times;
        text = skip_key(text);
        bool parted = start == text && text[0] == ' ' && text[1] == '('; /* the space is each step's own */
        if (start == text && (parted || *text == '('))
            end = end_of_run(text + parted, &close, &times);
        if (!end) {
            text += start == text;
            text_buffer_add_n(to, start, (size_t)(text - start));
            continue;
        }
        size_t length = (size_t)(close - text) - parted - 1;
        if (times * (length + 1) > PATH_RUNS_EXPANDED || to->length > PATH_RUNS_EXPANDED)
            return false;
        for (uint64_t i = 0; i < times; i++) {
            text_buffer_add_n(to, " ", parted);
            text_buffer_add_n(to, close - length, length);
        }
        any = true;
        text = end;
    }
    return any && !to->failed;
}
