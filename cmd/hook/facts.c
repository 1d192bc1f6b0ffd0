#include "cmd/hook/facts.h"

#include "cmd/hook/os.h"
#include "cmd/hook/text.h"

#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static struct capture_fact *row(struct facts *f, const char *key)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->rows[i].key, key) == 0)
            return &f->rows[i];
    static struct capture_fact nowhere;
    if (f->count == FACTS_MAX)
        return &nowhere;
    struct capture_fact *r = &f->rows[f->count++];
    *r = (struct capture_fact){.key = key};
    return r;
}

void facts_u64(struct facts *f, const char *key, uint64_t value)
{
    struct capture_fact *r = row(f, key);
    r->type = CAPTURE_U64;
    r->u64 = value;
}

void facts_f64(struct facts *f, const char *key, double value)
{
    struct capture_fact *r = row(f, key);
    r->type = CAPTURE_F64;
    r->f64 = value;
}

/* Copies into the struct; returns the copy, cut to what fits. */
static const char *keep(struct facts *f, const char *bytes, size_t length, size_t *ret_length)
{
    size_t room = sizeof f->text - f->text_used;
    if (room == 0) {
        *ret_length = 0;
        return "";
    }
    if (length > room - 1)
        length = room - 1;
    char *copy = f->text + f->text_used;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    f->text_used += length + 1;
    *ret_length = length;
    return copy;
}

void facts_text(struct facts *f, const char *key, const char *text)
{
    struct capture_fact *r = row(f, key);
    r->type = CAPTURE_TEXT;
    r->text = keep(f, text, strlen(text), &r->length);
}

static void link_fact(struct facts *f, const char *key, const char *link)
{
    char target[4096];
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length <= 0)
        return;
    target[length] = '\0';
    facts_text(f, key, target);
}

static void user_name(struct facts *f, uint64_t uid)
{
    char *users = f->text + f->text_used; /* the free rest as scratch: the thread's stack may be small */
    size_t room = sizeof f->text - f->text_used;
    if (room < 2 || os_read_file("/etc/passwd", users, room) <= 0)
        return;
    for (char *line = users; line && *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        char *password = strchr(line, ':'), *number = password ? strchr(password + 1, ':') : NULL;
        uint64_t id = 0;
        const char *at = number ? number + 1 : "";
        if (text_read_u64(&at, &id) && *at == ':' && id == uid) {
            *password = '\0';
            char name[64];
            struct text t = text_over(name, sizeof name);
            text_put(&t, line);
            facts_text(f, "user", name);
            return;
        }
        line = end ? end + 1 : NULL;
    }
}

static void smaps(struct facts *f)
{
    char rows[4096];
    if (os_read_file("/proc/self/smaps_rollup", rows, sizeof rows) <= 0)
        return;
    char *line = strchr(rows, '\n'); /* the first line is the address range */
    while (line && *++line) {
        char *colon = strchr(line, ':'), *end = strchr(line, '\n');
        if (!colon || !end || colon > end)
            return;
        const char *at = colon + 1;
        while (*at == ' ')
            at++;
        uint64_t kib = 0;
        if (text_read_u64(&at, &kib) && strncmp(at, " kB", 3) == 0) {
            char name[64];
            struct text t = text_over(name, sizeof name);
            text_put(&t, "smaps.");
            text_bytes(&t, line, (size_t)(colon - line));
            size_t length = 0;
            facts_u64(f, keep(f, name, t.length, &length), kib * 1024);
        }
        line = end;
    }
}

/* Field 22 of /proc/self/stat: clock ticks since boot. The name in field 2 may hold anything but ends with
 * the last ')'. */
static void start_time(struct facts *f, double now)
{
    char stat[1024];
    if (os_read_file("/proc/self/stat", stat, sizeof stat) <= 0)
        return;
    const char *at = strrchr(stat, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    uint64_t ticks = 0;
    long per_second = sysconf(_SC_CLK_TCK);
    if (!at || per_second <= 0 || (at++, !text_read_u64(&at, &ticks)))
        return;
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    double up = (double)boot.tv_sec + (double)boot.tv_nsec / 1e9;
    facts_f64(f, "start_time", now - up + (double)ticks / (double)per_second);
}

void facts_gather(struct facts *f)
{
    f->count = 0;
    f->text_used = 0;
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    double now = (double)clock.tv_sec + (double)clock.tv_nsec / 1e9;

    facts_u64(f, "pid", (uint64_t)getpid());
    facts_u64(f, "ppid", (uint64_t)getppid());
    link_fact(f, "executable", "/proc/self/exe");
    ssize_t length = os_read_file("/proc/self/cmdline", f->text + f->text_used, FACTS_TEXT / 2);
    if (length > 0) {
        struct capture_fact *r = row(f, "command");
        r->type = CAPTURE_LIST;
        r->text = f->text + f->text_used;
        if (r->text[length - 1] != '\0') /* setproctitle may leave it open; a cut one is: the NUL is there */
            length++;
        r->length = (size_t)length;
        f->text_used += r->length;
    }
    link_fact(f, "directory", "/proc/self/cwd");
    struct utsname host;
    if (uname(&host) == 0)
        facts_text(f, "host", host.nodename);
    facts_u64(f, "uid", (uint64_t)geteuid());
    user_name(f, (uint64_t)geteuid());
    start_time(f, now);
    facts_f64(f, "capture_time", now);

    char pages[128];
    if (os_read_file("/proc/self/statm", pages, sizeof pages) > 0) {
        const char *at = strchr(pages, ' ');
        uint64_t resident = 0;
        if (at && (at++, text_read_u64(&at, &resident)))
            facts_u64(f, "rss", resident * (uint64_t)sysconf(_SC_PAGESIZE));
    }
    smaps(f);
    facts_text(f, "hook_version", HELDBY_VERSION);
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The argument that names the program: the script, the module of -m, or NULL for -c, standard input, the
 * prompt. */
static const char *script_of(const char *arguments, size_t length)
{
    const char *end = arguments + length, *at = arguments + strlen(arguments) + 1;
    while (at < end) {
        if (at[0] != '-' || !at[1])
            return at[0] == '-' || !at[0] ? NULL : at;
        const char *next = at + strlen(at) + 1;
        bool takes_next = false;
        if (at[1] == '-') {
            takes_next = strcmp(at, "--check-hash-based-pycs") == 0;
        } else {
            for (const char *letter = at + 1; *letter; letter++) {
                if (*letter == 'c')
                    return NULL;
                if (*letter == 'm')
                    return letter[1] ? letter + 1 : next < end ? next : NULL;
                if (*letter == 'W' || *letter == 'X') {
                    takes_next = !letter[1];
                    break;
                }
            }
        }
        at = takes_next && next < end ? next + strlen(next) + 1 : next;
    }
    return NULL;
}

void facts_program_name(char *to, size_t size)
{
    char arguments[16 * 1024], executable[4096];
    ssize_t length = os_read_file("/proc/self/cmdline", arguments, sizeof arguments);
    ssize_t exe_length = readlink("/proc/self/exe", executable, sizeof executable - 1);
    executable[exe_length > 0 ? exe_length : 0] = '\0';
    const char *name = base_of(executable);
    if (length > 0 && strncmp(name, "python", 6) == 0) {
        const char *script = script_of(arguments, (size_t)length);
        if (script) {
            name = base_of(script);
            if (strcmp(name, "__main__.py") == 0 && name > script + 1) { /* a folder or a zip: its own name */
                arguments[name - 1 - arguments] = '\0';
                name = base_of(script);
            }
        }
    }
    struct text t = text_over(to, size);
    for (; *name && t.length < size - 1; name++) {
        char c = *name;
        bool plain = (unsigned char)c > ' ' && c != '/' && c != 0x7f && !(c == '.' && t.length == 0);
        text_bytes(&t, plain ? &c : "_", 1);
    }
    if (t.length > 3 && strcmp(to + t.length - 3, ".py") == 0)
        to[t.length - 3] = '\0';
    if (!to[0])
        text_put(&t, "program");
}
