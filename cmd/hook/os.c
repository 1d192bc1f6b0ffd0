#include "cmd/hook/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

uint64_t os_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void os_sleep_ns(uint64_t ns)
{
    struct timespec wait = timespec_of(ns);
    nanosleep(&wait, NULL);
}

pid_t os_thread_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

void os_futex_wait(const void *word, int expected, uint64_t ns)
{
    struct timespec wait = timespec_of(ns);
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, ns ? &wait : NULL, NULL, 0);
}

void os_futex_wake(const void *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

pid_t os_quiet_fork(void)
{
    return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
}

ssize_t os_read_file(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    size_t length = 0;
    ssize_t got = 0;
    while (length < size - 1) {
        got = read(fd, buffer + length, size - 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    buffer[length] = '\0';
    return got < 0 ? -1 : (ssize_t)length;
}

bool os_write_all(int fd, const char *bytes, size_t length)
{
    sigset_t previous;
    os_block_all_signals(&previous);
    bool whole = true;
    while (length > 0 && whole) {
        ssize_t done = write(fd, bytes, length);
        if (done < 0 && errno == EINTR)
            continue;
        whole = done > 0;
        bytes += whole ? done : 0;
        length -= whole ? (size_t)done : 0;
    }
    int saved = errno;
    if (!whole)
        os_forget_file_size_signal();
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    errno = saved;
    return whole;
}

void os_forget_file_size_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    (void)sigtimedwait(&set, NULL, &(struct timespec){0});
}

void os_block_all_signals(sigset_t *previous)
{
    sigset_t all;
    sigfillset(&all); /* glibc leaves out its own two, without which setuid() of the program would hang */
    pthread_sigmask(SIG_BLOCK, &all, previous);
}
