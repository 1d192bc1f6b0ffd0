/* Copies of running processes: children of this test, stopped, read and let go. */
#include "formats/elf/live.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

enum { SIZE = 8 << 20, WORKERS = 5 };

static struct error err;
static struct live_result result;
static const struct core_options plain;
static int ready[2];
static unsigned char *block; /* the same address in the child: it is a fork */
static volatile unsigned counter;

static void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

static void *start_and_end(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        counter++;
    return NULL;
}

static void tell(void)
{
    if (write(ready[1], "x", 1) != 1)
        _exit(9);
}

/* A child that runs `body` after it has told us that it is there. */
static pid_t start(void (*body)(void))
{
    char c;
    ck_assert_int_eq(pipe(ready), 0);
    block = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(block, MAP_FAILED);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        _exit(0);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* it was still running */
    munmap(block, SIZE);
}

static char state_of(pid_t pid)
{
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    char *got = fgets(line, sizeof line, file);
    fclose(file);
    const char *mark = got != NULL ? strrchr(line, ')') : NULL;
    return mark != NULL ? mark[2] : 0;
}

/* Within two seconds: a busy machine lets it wait. */
static void must_become(pid_t pid, char state)
{
    for (int i = 0; i < 200 && state_of(pid) != state; i++)
        usleep(10000);
    ck_assert_int_eq(state_of(pid), state);
}

/* Half of the block is touched. */
static void quiet(void)
{
    pthread_t threads[WORKERS];
    for (size_t i = 0; i < SIZE / 2; i += 8)
        memcpy(block + i, &i, sizeof i);
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, wait_for_ever, NULL);
    prctl(PR_SET_NAME, "leader");
    tell();
    for (;;)
        pause();
}

START_TEST(copies)
{
    pid_t pid = start(quiet);
    struct process_image *image = live_open((uint32_t)pid, &plain, &result, &err);
    ck_assert_ok(image != NULL, &err);
    ck_assert(image->live && image->has_notes && image->has_mappings);
    ck_assert_uint_eq(image->pid, (uint32_t)pid);
    ck_assert_uint_eq(image->ppid, (uint32_t)getpid());
    ck_assert_uint_eq(image->thread_count, WORKERS + 1);
    ck_assert_uint_eq(result.threads, WORKERS + 1);
    ck_assert_uint_eq(image->threads[0].tid, (uint32_t)pid);
    ck_assert_str_eq(image->threads[0].name, "leader");
    ck_assert_uint_eq(result.unreadable, 0);
    ck_assert_uint_ge(result.copied, SIZE / 2);
    ck_assert(result.pause_seconds > 0 && result.pause_seconds < 5);
    const uint8_t *copy = address_space_at(&image->space, (uint64_t)(uintptr_t)block, SIZE);
    ck_assert_ptr_nonnull(copy);
    for (size_t i = 0; i < SIZE; i += 8) {
        size_t v;
        memcpy(&v, copy + i, sizeof v);
        must(v == (i < SIZE / 2 ? i : 0));
    }
    for (size_t i = 0; i < image->thread_count; i++) {
        uint64_t sp = image->threads[i].registers[REGISTER_RSP];
        must(address_space_at(&image->space, sp, 64) != NULL);
        must(process_image_module(image, image->threads[i].registers[REGISTER_RIP]) != NULL);
        must(image->threads[i].registers[REGISTER_FS_BASE] != 0);
    }
    struct image_symbol s;
    const struct image_module *libc = process_image_module(image, image->threads[0].registers[REGISTER_RIP]);
    ck_assert_int_eq(libc->verdict, BUILD_ID_MATCH);
    ck_assert(image->symbol(image->self, libc, "malloc", &s));
    ck_assert_ptr_nonnull(address_space_at(&image->space, s.address, 16)); /* code comes from disk */
    process_image_free(image);
    must_become(pid, 'S');
    end(pid);
}
END_TEST

struct kept {
    unsigned char *memory;
    size_t size;
};

/* Not inlined, and something is done after each call, so that each has a frame. */
__attribute__((noinline)) int nested_wait(int depth);

int nested_wait(int depth)
{
    if (depth == 0) {
        tell();
        while (block[0] == 0)
            pause();
        return 0;
    }
    volatile int below = nested_wait(depth - 1);
    return below + 1;
}

static void nested(void)
{
    nested_wait(20);
}

START_TEST(unwinds)
{
    pid_t pid = start(nested);
    struct process_image *image = live_open((uint32_t)pid, &plain, &result, &err);
    ck_assert_ok(image != NULL, &err);
    struct image_frame *frames;
    size_t count = image->unwind(image->self, 0, &frames), found = 0;
    ck_assert_uint_gt(count, 20);
    for (size_t i = 0; i < count; i++) {
        must(i == 0 || frames[i].sp > frames[i - 1].sp);
        if (frames[i].function == NULL || strcmp(frames[i].function, "nested_wait") != 0)
            continue;
        found++;
        must(strcmp(frames[i].module, strrchr(image->executable, '/') + 1) == 0);
        must(frames[i].file == NULL || strstr(frames[i].file, "test_live.c") != NULL);
    }
    ck_assert_uint_eq(found, 21);
    free(frames);
    /* A call through a null pointer: the caller's address is on top of the stack. */
    uint64_t *registers = image->threads[0].registers;
    registers[REGISTER_RIP] = 0;
    count = image->unwind(image->self, 0, &frames);
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_eq(frames[0].pc, 0);
    free(frames);
    /* Registers that lead nowhere, and a stack of the process's own that says anything. */
    for (unsigned i = 0; i < 200; i++) {
        srand(i);
        for (int k = 0; k < IMAGE_REGISTERS; k++)
            registers[k] = (uint64_t)rand() << 32 ^ (uint64_t)rand();
        if (i % 2)
            registers[REGISTER_RIP] =
                image->modules[(unsigned)rand() % image->module_count].start + (unsigned)rand() % 65536;
        if (i % 3)
            registers[REGISTER_RSP] = (uint64_t)(uintptr_t)&frames - (unsigned)rand() % 4096;
        image->unwind(image->self, 0, &frames);
        free(frames);
    }
    ck_assert_uint_eq(image->unwind(image->self, 99, &frames), 0);
    process_image_free(image);
    end(pid);
}
END_TEST

/* Starts and ends threads, and maps and unmaps memory, without a pause. */
static void busy(void)
{
    static struct kept kept[32];
    for (unsigned round = 0;; round++) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, start_and_end, NULL);
        size_t size = (size_t)4096 * (1 + round % 64);
        unsigned char *more = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (more != MAP_FAILED)
            memset(more, 1, size);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        struct kept *slot = &kept[round % 32];
        if (slot->size != 0)
            munmap(slot->memory, slot->size);
        *slot = (struct kept){more, more != MAP_FAILED ? size : 0};
        if (round == 0)
            tell();
    }
}

START_TEST(copies_a_busy_one)
{
    pid_t pid = start(busy);
    for (int i = 0; i < 25; i++) {
        struct process_image *image = live_open((uint32_t)pid, &plain, &result, &err);
        ck_assert_ok(image != NULL, &err);
        for (size_t k = 0; k < image->thread_count; k++)
            must(address_space_at(&image->space, image->threads[k].registers[REGISTER_RSP], 8) != NULL);
        process_image_free(image);
    }
    for (int i = 0; i < 200 && state_of(pid) == 't'; i++)
        usleep(10000);
    ck_assert_int_ne(state_of(pid), 't');
    end(pid);
}
END_TEST

/* Signals that arrive while it stands still are not lost. */
static volatile sig_atomic_t caught;

static void note_signal(int number)
{
    (void)number;
    caught++;
}

static volatile unsigned *shared; /* by the child and us */

static void counting(void)
{
    struct sigaction action = {.sa_handler = note_signal};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTRAP, &action, NULL); /* also what debuggers send */
    tell();
    for (;;) {
        usleep(200);
        *shared = (unsigned)caught;
    }
}

START_TEST(signals_arrive)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne((void *)shared, MAP_FAILED);
    pid_t pid = start(counting);
    for (unsigned i = 1; i <= 50; i++) {
        kill(pid, i % 2 != 0 ? SIGUSR1 : SIGTRAP);
        struct process_image *image = live_open((uint32_t)pid, &plain, &result, &err);
        ck_assert_ok(image != NULL, &err);
        const uint8_t *copy = address_space_at(&image->space, (uint64_t)(uintptr_t)shared, 4);
        must(copy != NULL && (copy[0] == i - 1 || copy[0] == i));
        process_image_free(image);
        for (int k = 0; k < 500 && *shared < i; k++)
            usleep(10000);
        ck_assert_uint_eq(*shared, i);
    }
    end(pid);
    munmap((void *)shared, 4096);
}
END_TEST

/* Stopped by a signal before: stopped after. */
START_TEST(stopped_stays_stopped)
{
    int status;
    pid_t pid = start(quiet);
    kill(pid, SIGSTOP);
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    struct process_image *image = live_open((uint32_t)pid, &plain, &result, &err);
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_eq(image->thread_count, WORKERS + 1);
    process_image_free(image);
    must_become(pid, 'T');
    kill(pid, SIGCONT);
    must_become(pid, 'S');
    end(pid);
}
END_TEST

/* The main thread has ended, the others go on. */
static void headless(void)
{
    pthread_t thread;
    block[0] = 42;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    tell();
    pthread_exit(NULL);
}

START_TEST(without_main_thread)
{
    pid_t pid = start(headless);
    must_become(pid, 'Z');
    struct process_image *image = live_open((uint32_t)pid, &plain, &result, &err);
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_eq(image->thread_count, 1);
    const uint8_t *copy = address_space_at(&image->space, (uint64_t)(uintptr_t)block, 1);
    ck_assert_ptr_nonnull(copy);
    ck_assert_uint_eq(*copy, 42);
    process_image_free(image);
    end(pid);
}
END_TEST

/* ---- refusals */

START_TEST(nobody)
{
    ck_assert_ptr_null(live_open(0x3fffff, &plain, &result, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "there is no process 4194303");
    ck_assert_ptr_null(live_open((uint32_t)getpid(), &plain, &result, &err));
    ck_assert_error(&err, ERROR_USAGE, "is this one");
}
END_TEST

static void brief(void)
{
    tell();
}

START_TEST(ended)
{
    pid_t pid = start(brief);
    must_become(pid, 'Z'); /* not waited for */
    ck_assert_ptr_null(live_open((uint32_t)pid, &plain, &result, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "has ended");
    waitpid(pid, NULL, 0);
}
END_TEST

static void traced(void)
{
    pid_t debugger = getpid(), other = fork();
    if (other == 0) { /* the debugger is the child here: its parent is traced */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ptrace(PTRACE_SEIZE, debugger, NULL, NULL) != 0)
            _exit(8);
        tell();
        for (;;)
            pause();
    }
    prctl(PR_SET_PTRACER, other);
    for (;;)
        pause();
}

START_TEST(already_traced)
{
    pid_t pid = start(traced);
    ck_assert_ptr_null(live_open((uint32_t)pid, &plain, &result, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "is being traced already");
    end(pid);
}
END_TEST

static void die_soon(void)
{
    for (size_t i = 0; i < SIZE; i += 4096)
        block[i] = 1;
    tell();
    usleep((useconds_t)(rand() % 3000));
}

/* It may be gone at any moment: a copy or a clear refusal. */
START_TEST(dies_meanwhile)
{
    for (int i = 0; i < 60; i++) {
        srand((unsigned)i);
        pid_t pid = start(die_soon);
        struct process_image *image = live_open((uint32_t)pid, &plain, &result, &err);
        if (image == NULL) {
            bool told = strstr(err.message, "ended") != NULL || strstr(err.message, "no process") != NULL;
            if (err.code != ERROR_SYSTEM || !told)
                ck_abort_msg("error %d: %s", (int)err.code, err.message);
        }
        process_image_free(image);
        waitpid(pid, NULL, 0);
        munmap(block, SIZE);
    }
}
END_TEST

static void kill_me(void)
{
    for (size_t i = 0; i < SIZE; i += 4096)
        block[i] = 1;
    pid_t parent = getpid();
    tell();
    if (fork() == 0) {
        usleep((useconds_t)(rand() % 4000));
        kill(parent, SIGKILL);
        _exit(0);
    }
    for (;;)
        pause();
}

START_TEST(killed_meanwhile)
{
    for (int i = 0; i < 60; i++) {
        srand((unsigned)i);
        pid_t pid = start(kill_me);
        struct process_image *image = live_open((uint32_t)pid, &plain, &result, &err);
        must(image != NULL || err.code == ERROR_SYSTEM);
        process_image_free(image);
        waitpid(pid, NULL, 0);
        munmap(block, SIZE);
    }
}
END_TEST

/* Seen by a user who may not: as root only, which can become somebody else. */
START_TEST(other_user)
{
    if (geteuid() != 0)
        return;
    pid_t pid = start(quiet);
    pid_t asker = fork();
    if (asker == 0) {
        bool good = setgid(65534) == 0 && setuid(65534) == 0 &&
                    live_open((uint32_t)pid, &plain, &result, &err) == NULL && err.code == ERROR_SYSTEM &&
                    strstr(err.message, "belongs to user root") != NULL;
        _exit(good ? 0 : 1);
    }
    int status;
    waitpid(asker, &status, 0);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    must_become(pid, 'S');
    end(pid);
}
END_TEST

START_TEST(needs_memory)
{
    pid_t pid = start(quiet);
    struct core_options little = {.memory_limit = 1 << 20};
    ck_assert_ptr_null(live_open((uint32_t)pid, &little, &result, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "--memory SIZE");
    must_become(pid, 'S');
    end(pid);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("live");
    TCase *tests = tcase_create("live");
    tcase_add_test(tests, copies);
    tcase_add_test(tests, unwinds);
    tcase_add_test(tests, copies_a_busy_one);
    tcase_add_test(tests, signals_arrive);
    tcase_add_test(tests, stopped_stays_stopped);
    tcase_add_test(tests, without_main_thread);
    tcase_add_test(tests, nobody);
    tcase_add_test(tests, ended);
    tcase_add_test(tests, already_traced);
    tcase_add_test(tests, dies_meanwhile);
    tcase_add_test(tests, killed_meanwhile);
    tcase_add_test(tests, other_user);
    tcase_add_test(tests, needs_memory);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
