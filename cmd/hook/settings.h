/* settings.h -- what the environment asks of the hook (HELDBY_*), read once when it arms.
 *
 * Unknown or malformed values are never fatal: the default is taken and `problem` says what was wrong.
 */
#ifndef HELDBY_HOOK_SETTINGS_H
#define HELDBY_HOOK_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { SETTINGS_PATH = PATH_MAX };

struct settings {
    bool off;                   /* HELDBY_OFF=1 */
    int signal;                 /* HELDBY_SIGNAL: USR2, SIGUSR2, 12, RTMIN+3; 0 = malformed or not usable */
    char folder[SETTINGS_PATH]; /* HELDBY_DIR, absolute; the directory of the moment by default */
    char log[SETTINGS_PATH];    /* HELDBY_LOG, absolute; "" = problems only, to FOLDER/heldby.PID.log */
    bool at_exit;               /* HELDBY_AT_EXIT=1 */
    bool on_memory_error;       /* HELDBY_ON_MEMORY_ERROR=1 */
    uint64_t every_ns;          /* HELDBY_EVERY=SECONDS, fractions allowed; 0 = never */
    uint32_t value_bytes;       /* HELDBY_VALUES: bytes per preview, 0 = none, default 64 */
    uint64_t
        gil_timeout_ns; /* HELDBY_GIL_TIMEOUT=SECONDS, default 10; then the capture goes on without the GIL */
    uint64_t walk_timeout_ns; /* HELDBY_WALK_TIMEOUT=SECONDS, default 600; then the child is killed */
    char problem[160];        /* one line, "" = none */
};

void settings_read(struct settings *ret);
/* True if any HELDBY_ variable is set, i.e. the environment asks for a hook. */
bool settings_asked_for(void);
/* "USR2", "SIGUSR2", "12", "RTMIN", "RTMIN+2", "RTMAX-1"; 0 if it is none or must not be taken (KILL, SEGV,
 * ...). */
int settings_signal_number(const char *name);

#endif
