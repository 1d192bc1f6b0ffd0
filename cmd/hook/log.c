#include "cmd/hook/log.h"

#include "cmd/hook/hook.h"
#include "cmd/hook/os.h"
#include "cmd/hook/text.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* Days since 1970 to year, month, day (proleptic Gregorian); localtime and gmtime take locks. */
static void put_time(struct text *t)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t total = (uint64_t)now.tv_sec, days = total / 86400, rest = total % 86400;
    uint64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    text_u64(t, yoe + era * 400 + (month <= 2), 4);
    text_put(t, "-");
    text_u64(t, month, 2);
    text_put(t, "-");
    text_u64(t, day, 2);
    text_put(t, "T");
    text_u64(t, rest / 3600, 2);
    text_put(t, ":");
    text_u64(t, rest / 60 % 60, 2);
    text_put(t, ":");
    text_u64(t, rest % 60, 2);
    text_put(t, ".");
    text_u64(t, (uint64_t)now.tv_nsec / 1000000, 3);
    text_put(t, "Z ");
}

static void write_line(const char *path, const char *message)
{
    int saved = errno;
    char line[1024];
    struct text t = text_over(line, sizeof line - 1);
    put_time(&t);
    text_u64(&t, (uint64_t)getpid(), 0);
    text_put(&t, " ");
    size_t head = t.length;
    text_put(&t, message);
    for (size_t i = head; i < t.length; i++) /* one line is one event, whatever a path contains */
        if ((unsigned char)line[i] < ' ')
            line[i] = '?';
    line[t.length++] = '\n';
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd >= 0) {
        (void)os_write_all(fd, line, t.length);
        close(fd);
    }
    errno = saved;
}

void log_event(const char *message)
{
    if (hook.settings.log[0])
        write_line(hook.settings.log, message);
}

void log_problem(const char *message)
{
    if (hook.settings.log[0]) {
        write_line(hook.settings.log, message);
        return;
    }
    char path[SETTINGS_PATH + 40];
    struct text t = text_over(path, sizeof path);
    text_put(&t, hook.settings.folder);
    text_put(&t, "/heldby.");
    text_u64(&t, (uint64_t)getpid(), 0);
    text_put(&t, ".log");
    write_line(path, message);
}
