#include "cmd/heldby/live_dump.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/heldby/core_input.h"
#include "cmd/heldby/new_file.h"
#include "cmd/heldby/progress.h"
#include "cmd/heldby/text.h"
#include "formats/elf/live.h"
#include "formats/extract/extract_zstd.h"

bool dump_name(pid_t pid, const char *folder, char out[PATH_MAX], struct error *err)
{
    char path[64], name[64] = "process";
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *comm = fopen(path, "re");
    if (comm) {
        if (fgets(name, sizeof name, comm))
            name[strcspn(name, "\n")] = 0;
        fclose(comm);
    }
    for (char *c = name; *c; c++) {
        if (*c == '/' || (unsigned char)*c < 0x21 || *c == 0x7f)
            *c = '_';
    }
    struct stat status;
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return error_system(err, folder, errno ? errno : ENOTDIR, "cannot write into");
    for (unsigned n = 1; n < 1000000; n++) {
        if (snprintf(out, PATH_MAX, "%s/%s.%d.%u.held", strcmp(folder, "/") == 0 ? "" : folder, name,
                     (int)pid, n) >= PATH_MAX)
            return error_system(err, folder, ENAMETOOLONG, "cannot write into");
        if (lstat(out, &status) != 0)
            return true;
    }
    return error_system(err, folder, EEXIST, "cannot find a free name in");
}

static bool write_snapshot(const struct invocation *in, pid_t pid, const char *name,
                           struct live_result *result, struct error *err)
{
    struct new_file file;
    if (!new_file_open_private(&file, name, err)) /* before the process is stopped for nothing */
        return false;
    struct core_options options = core_input_options(in);
    struct process_image *image = live_open((uint32_t)pid, &options, result, err);
    if (!image) {
        new_file_drop(&file);
        return false;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char what[40];
    snprintf(what, sizeof what, "process %d", (int)pid);
    struct extract_options as = {.fd = file.fd,
                                 .zstd = extract_zstd(),
                                 .value_bytes = option_given(in, "no-values") ? 0 : CORE_VALUE_BYTES,
                                 .pause_seconds = result->pause_seconds,
                                 .capture_time = (double)now.tv_sec + (double)now.tv_nsec / 1e9,
                                 .progress = core_input_say_stage,
                                 .progress_context = what};
    bool done = extract(image, &as, err);
    process_image_free(image);
    if (!done) {
        bool of_output = err->os_errno == ENOSPC || err->os_errno == EDQUOT || err->os_errno == EFBIG;
        if (!*err->path)
            snprintf(err->path, sizeof err->path, "%.500s", of_output ? name : what);
        new_file_drop(&file);
        return false;
    }
    return new_file_keep(&file, err);
}

bool live_dump(const struct invocation *in, pid_t pid, struct error *err)
{
    char name[PATH_MAX], pause[40], copied[40];
    const char *given = option_text(in, "output", NULL);
    struct live_result result = {0};
    if (given && snprintf(name, sizeof name, "%s", given) >= (int)sizeof name)
        return error_system(err, given, ENAMETOOLONG, "cannot write");
    if (!given && !dump_name(pid, option_text(in, "dir", "."), name, err))
        return false;
    if (!write_snapshot(in, pid, name, &result, err))
        return false;
    progress_clear();
    const char *shown = strncmp(name, "./", 2) == 0 ? name + 2 : name;
    fprintf(stderr, "heldby: %s of process %d copied from outside, without a hook; it stood still for %s\n",
            text_bytes(result.copied, copied, sizeof copied), (int)pid,
            text_seconds(result.pause_seconds, pause, sizeof pause));
    if (puts(shown) < 0 || fflush(stdout) != 0)
        return error_system(err, "standard output", errno, "cannot write");
    return true;
}
