/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From file to struct conf: read the bytes, make a tree (conf_tree), fill the struct from it (conf_yaml), see
 * that it all fits together (conf_check). Any thread.
 */
#include "conf/conf_check.h"
#include "conf/conf_default.h"
#include "conf/conf_yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (8u << 20)

static const struct conf_mark top = {1, 1};

static struct conf *read_tree(const struct conf_tree *tree, struct conf_report *report)
{
    struct conf *c = calloc(1, sizeof(*c));
    struct conf_reader r;

    if (!c || !conf_reader_init(&r, report, tree)) {
        conf_report_add(report, top, "not enough memory to read the file, free some");
        free(c);
        return NULL;
    }
    conf_default(c);
    conf_yaml_read(&r, tree->root, c);
    if (!conf_report_full(report)) { /* else it was not read to its end */
        conf_complete(c);
        conf_check(c, &r, tree->n_nodes);
    }
    conf_reader_free(&r);
    return c;
}

struct conf *conf_load_string(const char *name, const char *yaml, size_t len, struct conf_errors *errors)
{
    struct conf_report report = {.name = name};
    struct conf_tree tree = {0};
    struct conf *c = NULL;
    bool good;

    if (len > MAX_FILE)
        conf_report_add(&report, top, "the file has more than %u MiB, a configuration is smaller",
                        MAX_FILE >> 20);
    else if (conf_tree_parse(&tree, yaml, len, &report))
        c = read_tree(&tree, &report);
    else if (conf_report_empty(&report))
        conf_report_add(&report, top,
                        "the file is empty, expected site, gateway, underlay, access and networks");
    conf_tree_free(&tree);
    good = conf_report_empty(&report);
    conf_report_finish(&report, errors);
    if (!good) {
        conf_free(c);
        c = NULL;
    }
    return c;
}

/* Reads at most MAX_FILE + 1 bytes into buf: the one more says that there are too many. -errno on failure. */
static ssize_t read_all(int fd, char *buf)
{
    size_t len = 0;

    while (len <= MAX_FILE) {
        ssize_t n = read(fd, buf + len, MAX_FILE + 1 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static struct conf *fail(const char *path, const char *what, struct conf_errors *errors)
{
    struct conf_report report = {.name = path};

    conf_report_add(&report, top, "%s", what);
    conf_report_finish(&report, errors);
    return NULL;
}

struct conf *conf_load(const char *path, struct conf_errors *errors)
{
    char why[160];
    struct stat st;
    struct conf *c;
    ssize_t len;
    char *buf;
    int fd;

    /* O_NONBLOCK: a FIFO without a writer must not hang us before it is refused. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        snprintf(why, sizeof(why), "cannot be opened (%s), expected a readable file", strerror(errno));
        return fail(path, why, errors);
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return fail(path, "is not a regular file, expected a YAML file", errors);
    }
    buf = malloc(MAX_FILE + 1);
    if (!buf) {
        close(fd);
        return fail(path, "not enough memory to read the file, free some", errors);
    }
    len = read_all(fd, buf);
    close(fd);
    if (len < 0) {
        snprintf(why, sizeof(why), "cannot be read (%s), expected a readable file", strerror((int)-len));
        c = fail(path, why, errors);
    } else {
        c = conf_load_string(path, buf, (size_t)len, errors);
    }
    free(buf);
    return c;
}
