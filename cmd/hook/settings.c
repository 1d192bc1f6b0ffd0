#include "cmd/hook/settings.h"

#include "cmd/hook/text.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static void complain(struct settings *s, const char *name, const char *value)
{
    struct text t = text_over(s->problem, sizeof s->problem);
    text_put(&t, name);
    text_put(&t, "=");
    text_put(&t, value);
    text_put(&t, ": not understood, the default is taken");
}

static bool is_true(const char *name)
{
    const char *value = getenv(name);
    return value && *value && strcmp(value, "0") != 0;
}

static uint64_t seconds(struct settings *s, const char *name, uint64_t standard_ns)
{
    const char *value = getenv(name);
    if (!value || !*value)
        return standard_ns;
    const char *at = value;
    uint64_t whole = 0, fraction = 0;
    bool some = text_read_u64(&at, &whole);
    if (*at == '.') {
        uint64_t unit = 100000000;
        for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10) {
            fraction += (uint64_t)(*at - '0') * unit;
            some = true;
        }
    }
    if (!some || *at || whole > 1000000000) {
        complain(s, name, value);
        return standard_ns;
    }
    return whole * 1000000000 + fraction;
}

static void absolute(char *to, const char *path)
{
    struct text t = text_over(to, SETTINGS_PATH);
    if (path[0] != '/') {
        char here[SETTINGS_PATH];
        text_put(&t, getcwd(here, sizeof here) ? here : "/tmp");
        if (path[0] && strcmp(path, ".") != 0)
            text_put(&t, t.length > 1 ? "/" : "");
        else
            return;
    }
    text_put(&t, path);
    while (t.length > 1 && to[t.length - 1] == '/')
        to[--t.length] = '\0';
}

static bool is_refused(int number)
{
    /* KILL and STOP cannot be caught; the others report faults of the program itself or the end of a child.
     */
    static const int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGILL,
                                  SIGFPE,  SIGTRAP, SIGABRT, SIGCHLD, SIGSYS};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (number == refused[i])
            return true;
    return number <= 0 || number > SIGRTMAX || (number >= 32 && number < SIGRTMIN);
}

int settings_signal_number(const char *name)
{
    int number = 0;
    uint64_t offset = 0;
    const char *at = name;
    if (text_read_u64(&at, &offset)) {
        number = *at || offset > 64 ? 0 : (int)offset;
    } else {
        if (strncasecmp(at, "SIG", 3) == 0)
            at += 3;
        bool min = strncasecmp(at, "RTMIN", 5) == 0, max = strncasecmp(at, "RTMAX", 5) == 0;
        if (min || max) {
            at += 5;
            char sign = *at;
            if (sign &&
                (sign != (min ? '+' : '-') || (at++, !text_read_u64(&at, &offset)) || *at || offset > 64))
                return 0;
            number = min ? SIGRTMIN + (int)offset : SIGRTMAX - (int)offset;
        } else {
            for (int i = 1; i < 32 && number == 0; i++) {
                const char *known = sigabbrev_np(i);
                if (known && strcasecmp(known, at) == 0)
                    number = i;
            }
        }
    }
    return is_refused(number) ? 0 : number;
}

bool settings_asked_for(void)
{
    static const char *const names[] = {
        "HELDBY_SIGNAL", "HELDBY_DIR",    "HELDBY_AT_EXIT", "HELDBY_ON_MEMORY_ERROR",
        "HELDBY_EVERY",  "HELDBY_VALUES", "HELDBY_LOG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

void settings_read(struct settings *s)
{
    memset(s, 0, sizeof *s);
    s->off = is_true("HELDBY_OFF");
    s->at_exit = is_true("HELDBY_AT_EXIT");
    s->on_memory_error = is_true("HELDBY_ON_MEMORY_ERROR");
    s->every_ns = seconds(s, "HELDBY_EVERY", 0);
    s->gil_timeout_ns = seconds(s, "HELDBY_GIL_TIMEOUT", UINT64_C(10000000000));
    s->walk_timeout_ns = seconds(s, "HELDBY_WALK_TIMEOUT", UINT64_C(600000000000));

    const char *value = getenv("HELDBY_VALUES");
    uint64_t bytes = 64;
    s->value_bytes = 64;
    if (value && *value) {
        const char *at = value;
        if (!text_read_u64(&at, &bytes) || *at || bytes > 65536)
            complain(s, "HELDBY_VALUES", value);
        else
            s->value_bytes = (uint32_t)bytes;
    }

    value = getenv("HELDBY_SIGNAL");
    s->signal = settings_signal_number(value && *value ? value : "USR2");
    if (s->signal == 0) {
        struct text t = text_over(s->problem, sizeof s->problem);
        text_put(&t, "HELDBY_SIGNAL=");
        text_put(&t, value ? value : "");
        text_put(&t, ": not a signal that can be taken, the hook stays off");
    }
    value = getenv("HELDBY_DIR");
    absolute(s->folder, value ? value : "");
    value = getenv("HELDBY_LOG");
    if (value && *value)
        absolute(s->log, value);
}
