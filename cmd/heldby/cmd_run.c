/* cmd_run.c -- starts a program with the hook loaded: finds libheldby.so, sets the environment, becomes the
 * program. */
#include "cmd/heldby/command.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined __x86_64__
#define MULTIARCH "x86_64-linux-gnu"
#elif defined __aarch64__
#define MULTIARCH "aarch64-linux-gnu"
#else
#define MULTIARCH "."
#endif

/* The library's absolute path, or its name alone for the dynamic linker to find. */
static bool find_library(char *to, size_t size, struct error *err)
{
    const char *named = getenv("HELDBY_LIBRARY");
    if (named && *named) {
        char whole[PATH_MAX];
        if (!realpath(named, whole))
            return error_system(err, named, errno, "cannot load the hook (HELDBY_LIBRARY)");
        snprintf(to, size, "%s", whole);
        return true;
    }
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        *strrchr(self, '/') = '\0';
        static const char *const places[] = {"../lib", ("../lib/" MULTIARCH), "../lib64", "."};
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            char path[PATH_MAX + 64], whole[PATH_MAX];
            snprintf(path, sizeof path, "%s/%s/libheldby.so", self, places[i]);
            if (realpath(path, whole)) {
                snprintf(to, size, "%s", whole);
                return true;
            }
        }
    }
    snprintf(to, size, "libheldby.so");
    if (!dlopen(to, RTLD_LAZY)) /* the dynamic linker would only warn, and run the program without it */
        return error_set(err, ERROR_SYSTEM, "cannot find libheldby.so; HELDBY_LIBRARY may name it");
    return true;
}

static bool set(const char *name, const char *value, struct error *err)
{
    return setenv(name, value, 1) == 0 ? true : error_no_memory(err);
}

/* In front of what is preloaded already. */
static bool preload(struct error *err)
{
    char library[PATH_MAX];
    if (!find_library(library, sizeof library, err))
        return false;
    if (strpbrk(library, " :"))
        return error_set(err, ERROR_SYSTEM,
                         "cannot preload %s: the dynamic linker takes no path with a blank or a colon",
                         library);
    const char *others = getenv("LD_PRELOAD");
    if (!others || !*others)
        return set("LD_PRELOAD", library, err);
    size_t size = strlen(library) + strlen(others) + 2;
    char *both = malloc(size);
    if (!both)
        return error_no_memory(err);
    snprintf(both, size, "%s:%s", library, others);
    bool done = set("LD_PRELOAD", both, err);
    free(both);
    return done;
}

static bool is_signal(const char *name)
{
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    if (strncasecmp(name, "RTMIN", 5) == 0 || strncasecmp(name, "RTMAX", 5) == 0 ||
        (*name >= '1' && *name <= '9'))
        return true; /* the hook looks at the number */
    for (int i = 1; i < 32; i++) {
        const char *known = sigabbrev_np(i);
        if (known && strcasecmp(known, name) == 0)
            return i != SIGKILL && i != SIGSTOP;
    }
    return false;
}

static bool set_folder(const char *folder, struct error *err)
{
    char whole[PATH_MAX];
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return error_system(err, folder, errno, "cannot make the folder");
    if (!realpath(folder, whole))
        return error_system(err, folder, errno, "cannot use the folder");
    if (access(whole, W_OK | X_OK) != 0)
        return error_system(err, folder, errno, "cannot write to the folder");
    return set("HELDBY_DIR", whole, err);
}

static bool set_options(const struct invocation *in, struct error *err)
{
    const char *signal_name = option_text(in, "signal", NULL), *folder = option_text(in, "dir", NULL);
    if (signal_name) {
        if (!is_signal(signal_name))
            return usage_error(err, "%s is no signal that can be taken", signal_name);
        if (!set("HELDBY_SIGNAL", signal_name, err))
            return false;
    }
    if (folder && !set_folder(folder, err))
        return false;
    if (option_given(in, "at-exit") && !set("HELDBY_AT_EXIT", "1", err))
        return false;
    if (option_given(in, "on-memory-error") && !set("HELDBY_ON_MEMORY_ERROR", "1", err))
        return false;
    if (option_given(in, "no-values") && !set("HELDBY_VALUES", "0", err))
        return false;
    if (option_given(in, "every")) {
        char seconds[64];
        snprintf(seconds, sizeof seconds, "%.9f", option_seconds(in, "every", 0));
        if (!set("HELDBY_EVERY", seconds, err))
            return false;
    }
    unsetenv("HELDBY_OFF");
    return true;
}

bool cmd_run(const struct invocation *in, struct error *err)
{
    if (!set_options(in, err) || !preload(err))
        return false;
    execvp(in->operands[0], in->operands);
    return error_system(err, in->operands[0], errno, "cannot run");
}
