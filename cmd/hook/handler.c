#include "cmd/hook/handler.h"

#include "cmd/hook/helper.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/setup.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int sigaction_function(int, const struct sigaction *, struct sigaction *);
typedef void (*plain_handler)(int);
typedef plain_handler signal_function(int, plain_handler);

#define HOOK_EXPORT __attribute__((visibility("default")))
HOOK_EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *ret_old);
HOOK_EXPORT plain_handler signal(int number, plain_handler handler);
HOOK_EXPORT plain_handler __sysv_signal(int number, plain_handler handler);

/* The program's action, in slots that are filled before they are pointed to: a handler may run in the middle
   of a change, in the same thread, so no lock can guard it. A slot is used again after 63 further changes. */
enum { SLOTS = 64 };
static struct sigaction slots[SLOTS];
static atomic_uint next_slot;
static atomic_uint current_slot;

static atomic_int taken_signal; /* 0: nothing is installed */
static atomic_bool chain_only;  /* the next delivery was counted already (handler_hand_on) */

static struct sigaction program_action(void)
{
    return slots[atomic_load(&current_slot)];
}

static void set_program_action(const struct sigaction *action)
{
    unsigned slot = atomic_fetch_add(&next_slot, 1) % SLOTS;
    slots[slot] = *action;
    atomic_store(&current_slot, slot);
}

static void *libc_function(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    return function ? function : dlsym(RTLD_DEFAULT, name);
}

int handler_real_sigaction(int number, const struct sigaction *action, struct sigaction *ret_old)
{
    static _Atomic(sigaction_function *) found;
    sigaction_function *real = atomic_load(&found);
    if (!real) {
        void *address = libc_function("sigaction");
        memcpy(&real, &address, sizeof real);
        atomic_store(&found, real);
    }
    return real(number, action, ret_old);
}

/* `found` keeps the answer: looking up takes the dynamic linker's lock, which a signal handler must not. */
static signal_function *real_signal(const char *name, _Atomic(signal_function *) *found)
{
    signal_function *real = atomic_load(found);
    if (!real) {
        void *address = libc_function(name);
        memcpy(&real, &address, sizeof real);
        atomic_store(found, real);
    }
    return real;
}

static _Atomic(signal_function *) libc_signal, libc_sysv_signal;

void handler_look_up(void)
{
    (void)handler_real_sigaction(0, NULL, NULL); /* fails, having been found */
    (void)real_signal("signal", &libc_signal);
    (void)real_signal("__sysv_signal", &libc_sysv_signal);
}

static bool is_real_handler(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static void chain(int number, siginfo_t *info, void *context)
{
    struct sigaction action = program_action();
    if (!is_real_handler(&action))
        return;
    if (action.sa_flags & (int)SA_RESETHAND) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        set_program_action(&standard);
    }
    if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(number, info, context);
    else
        action.sa_handler(number);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    /* Another number: a vfork child, or one forked past the atfork handlers. The helper is not of this
     * process. */
    if (getpid() == hook.pid && !atomic_exchange(&chain_only, false))
        helper_request_signal();
    errno = saved;
    chain(number, info, context);
}

/* Ours in front of the program's: what its handler relies on (restart, mask, stack) stays as it asked. */
static struct sigaction our_action(const struct sigaction *theirs)
{
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = on_signal;
    ours.sa_flags = SA_SIGINFO;
    if (is_real_handler(theirs)) {
        ours.sa_flags |= theirs->sa_flags & (SA_RESTART | SA_ONSTACK | SA_NODEFER);
        ours.sa_mask = theirs->sa_mask;
    } else {
        ours.sa_flags |= SA_RESTART | SA_ONSTACK;
        sigemptyset(&ours.sa_mask);
    }
    return ours;
}

bool handler_install(int number)
{
    struct sigaction theirs;
    if (handler_real_sigaction(number, NULL, &theirs) != 0)
        return false;
    set_program_action(&theirs);
    struct sigaction ours = our_action(&theirs);
    if (handler_real_sigaction(number, &ours, NULL) != 0)
        return false;
    atomic_store(&taken_signal, number);
    return true;
}

void handler_remove(void)
{
    int number = atomic_exchange(&taken_signal, 0);
    struct sigaction theirs = program_action();
    if (number != 0)
        (void)handler_real_sigaction(number, &theirs, NULL);
}

void handler_check(void)
{
    int number = atomic_load(&taken_signal);
    struct sigaction now;
    if (number == 0 || handler_real_sigaction(number, NULL, &now) != 0)
        return;
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal)
        return;
    set_program_action(&now);
    struct sigaction ours = our_action(&now), replaced;
    if (handler_real_sigaction(number, &ours, &replaced) == 0 && replaced.sa_sigaction != on_signal &&
        replaced.sa_sigaction != now.sa_sigaction)
        set_program_action(&replaced);
}

bool handler_interposes(void)
{
    /* By the file that holds it: our own name for the function may be bound to libc's. */
    Dl_info seen, ours;
    void *address = dlsym(RTLD_DEFAULT, "sigaction");
    return address && dladdr(address, &seen) && dladdr(slots, &ours) && seen.dli_fbase == ours.dli_fbase;
}

void handler_hand_on(const siginfo_t *info)
{
    struct sigaction action = program_action();
    if (!is_real_handler(&action))
        return;
    siginfo_t copy = *info;
    if (copy.si_code >= 0) /* the kernel lets a thread send those to itself only */
        copy.si_code = SI_QUEUE;
    atomic_store(&chain_only, true);
    /* To the main thread, where it waits until it is unblocked. */
    if (syscall(SYS_rt_tgsigqueueinfo, hook.pid, hook.pid, info->si_signo, &copy) != 0)
        atomic_store(&chain_only, false);
}

static bool is_ours(int number)
{
    return number != 0 && number == atomic_load(&taken_signal) && getpid() == hook.pid;
}

static int change(int number, const struct sigaction *action, struct sigaction *ret_old)
{
    if (!is_ours(number)) {
        int result = handler_real_sigaction(number, action, ret_old);
        if (result == 0 && ret_old && (ret_old->sa_flags & SA_SIGINFO) && ret_old->sa_sigaction == on_signal)
            *ret_old = program_action();
        return result;
    }
    struct sigaction old = program_action();
    if (action) {
        struct sigaction wanted = *action, ours = our_action(&wanted);
        set_program_action(&wanted);
        (void)handler_real_sigaction(number, &ours, NULL);
    }
    if (ret_old)
        *ret_old = old;
    return 0;
}

int sigaction(int number, const struct sigaction *action, struct sigaction *ret_old)
{
    setup_at_sigaction();
    return change(number, action, ret_old);
}

static plain_handler set_by_signal(int number, plain_handler handler, int flags)
{
    struct sigaction action, old;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    if (flags & SA_RESTART)
        sigaddset(&action.sa_mask, number);
    return change(number, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

plain_handler signal(int number, plain_handler handler)
{
    if (is_ours(number) && handler != SIG_ERR)
        return set_by_signal(number, handler, SA_RESTART);
    return real_signal("signal", &libc_signal)(number, handler);
}

plain_handler __sysv_signal(int number, plain_handler handler)
{
    if (is_ours(number) && handler != SIG_ERR)
        return set_by_signal(number, handler, (int)SA_RESETHAND | SA_NODEFER);
    return real_signal("__sysv_signal", &libc_sysv_signal)(number, handler);
}
