#include "cmd/hook/leader.h"

#include "cmd/hook/helper.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/os.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool gone;
static pthread_key_t key; /* its destructor runs when the leader ends, not when the process exits */
static atomic_bool has_key;

static void leader_ends(void *unused)
{
    (void)unused;
    if (os_thread_id() != hook.pid)
        return;
    atomic_store(&gone, true);
    helper_wake();
}

void leader_watch(void)
{
    if (os_thread_id() != getpid())
        return;
    if (!atomic_load(&has_key)) {
        if (pthread_key_create(&key, leader_ends) != 0)
            return;
        atomic_store(&has_key, true);
    }
    (void)pthread_setspecific(key, &key);
}

bool leader_is_gone(void)
{
    return atomic_load(&gone);
}

/* Entries of the folder without "." and ".."; -1: it cannot be read. */
static int count_threads(void)
{
    enum { LENGTH_AT = 16, NAME_AT = 19 }; /* struct linux_dirent64 */
    _Alignas(8) char buffer[2048];
    int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int count = 0;
    long got;
    while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < got;) {
            unsigned short length;
            memcpy(&length, buffer + at + LENGTH_AT, sizeof length);
            count += buffer[at + NAME_AT] != '.';
            at += length;
        }
    close(fd);
    return got < 0 ? -1 : count;
}

bool leader_left_others(int own)
{
    int count = count_threads(); /* the leader stays in the list until the process ends */
    return count > own + 1;
}

void leader_after_fork(void)
{
    atomic_store(&gone, false);
    leader_watch();
}
