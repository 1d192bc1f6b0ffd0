#include "cmd/hook/thread.h"

#include "cmd/hook/os.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_SIZE = 512 * 1024 }; /* address space only; the walk in process calls tp_traverse of strangers */

int thread_start(pthread_t *ret, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error)
        return error;
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigset_t previous;
    os_block_all_signals(&previous);
    error = pthread_create(ret, &attributes, run, argument);
    if (error == EINVAL) /* the program's thread-local data alone is larger than that */
        error = pthread_create(ret, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

void thread_join(pthread_t thread, pid_t id)
{
    enum { PAUSE_NS = 10000, MOST = 2000 };
    pthread_join(thread, NULL);
    for (int tries = 0; tries < MOST && syscall(SYS_tgkill, getpid(), id, 0) == 0; tries++)
        os_sleep_ns(PAUSE_NS);
}
