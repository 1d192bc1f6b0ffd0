/* os.h -- the few system calls libc does not wrap the way a guest needs them. Async-signal-safe, no malloc.
 */
#ifndef HELDBY_HOOK_OS_H
#define HELDBY_HOOK_OS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t os_monotonic_ns(void);
void os_sleep_ns(uint64_t ns);
pid_t os_thread_id(void);
/* Blocks until *word is no longer `expected`, or `ns` went by (0 = no limit); may also return early. */
void os_futex_wait(const void *word, int expected, uint64_t ns);
void os_futex_wake(const void *word);
/* A fork that runs no atfork handlers and whose end no SIGCHLD and no plain wait() reports. Returns as fork
 * does. */
pid_t os_quiet_fork(void);
/* Reads a whole small file, at most size - 1 bytes, terminated. Returns the length, or -1 with errno set. */
ssize_t os_read_file(const char *path, char *buffer, size_t size);
/* False: errno says why. A limit on file size raises no signal in the program. */
bool os_write_all(int fd, const char *bytes, size_t length);
void os_forget_file_size_signal(
    void); /* drops a pending SIGXFSZ, which the calling thread must have blocked */
void os_block_all_signals(sigset_t *previous); /* of the calling thread; previous may be NULL */

#endif
