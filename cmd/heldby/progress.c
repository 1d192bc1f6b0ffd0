#include "cmd/heldby/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

void progress_clear(void)
{
    if (shown)
        fputs("\r\x1b[K", stderr);
    shown = false;
}
