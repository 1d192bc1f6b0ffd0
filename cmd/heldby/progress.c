#include "cmd/heldby/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/heldby/text.h"

enum { SHORT_WORK = 4 << 20 }; /* bytes of input that take less than a blink */

static bool shown;

void progress_say(unsigned long long size, const char *what, const char *name)
{
    char clean[256];
    if (size < SHORT_WORK || isatty(STDERR_FILENO) != 1)
        return;
    text_clean(name, strlen(name), clean, sizeof clean);
    text_cut(clean, 60);
    fprintf(stderr, "\r\x1b[K%s %s …", what, clean);
    fflush(stderr);
    shown = true;
}

void progress_part(const char *what, const char *name, unsigned long long done, unsigned long long total)
{
    static long long first, last; /* tenths of a second */
    static const char *stage;
    struct timespec now;
    if (isatty(STDERR_FILENO) != 1)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long tenths = (long long)now.tv_sec * 10 + now.tv_nsec / 100000000;
    first = first ? first : tenths;
    if (tenths - first < 3 || (stage == what && tenths == last))
        return;
    stage = what;
    last = tenths;
    char clean[256], part[32] = "";
    text_clean(name, strlen(name), clean, sizeof clean);
    text_cut(clean, 60);
    if (total != 0 && done <= total)
        snprintf(part, sizeof part, " %.0f %%", 100.0 * (double)done / (double)total);
    fprintf(stderr, "\r\x1b[K%s %s …%s", what, clean, part);
    fflush(stderr);
    shown = true;
}

void progress_clear(void)
{
    if (shown)
        fputs("\r\x1b[K", stderr);
    shown = false;
}
