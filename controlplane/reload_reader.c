/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See reload_reader.h. Tricky: what the thread writes belongs to it from pthread_create() to pthread_join(),
 * and to the control thread at all other times; an eventfd says when to join. Control thread only, but for
 * read_all().
 */
#include "controlplane/reload_reader.h"

#include "conf/log.h"
#include "controlplane/privilege.h"

#include <event2/event.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 0 /* the control thread and the workers, with -10 in the service, come first */

struct reload_reader {
    struct event *ended;
    int fd;
    bool joinable;
    pthread_t thread;
    reload_read_fn *done;
    void *arg;
    /* the thread's */
    const char *file, *text;
    size_t len;
    const struct conf *now;
    struct reload_read got;
};

static void read_all(struct reload_reader *r)
{
    static const uint64_t one = 1;

    r->got.conf = r->file ? conf_load(r->file, &r->got.errors)
                          : conf_load_string("file", r->text, r->len, &r->got.errors);
    r->got.rc = r->got.conf ? conf_diff(r->now, r->got.conf, privilege_has(CAP_SYS_ADMIN), &r->got.diff) : 0;
    (void)!write(r->fd, &one, sizeof(one));
}

static void *in_thread(void *arg)
{
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* in Linux: of this thread alone */
    read_all(arg);
    return NULL;
}

static void free_read(struct reload_read *got)
{
    conf_diff_free(&got->diff);
    conf_free(got->conf);
    conf_errors_free(&got->errors);
}

static void join(struct reload_reader *r)
{
    if (r->joinable)
        pthread_join(r->thread, NULL);
    r->joinable = false;
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
    struct reload_reader *r = arg;
    struct reload_read got;
    uint64_t n;

    (void)what;
    if (read((int)fd, &n, sizeof(n)) < 0)
        return;
    join(r);
    got = r->got;
    memset(&r->got, 0, sizeof(r->got));
    r->done(r->arg, &got);
    free_read(&got);
}

struct reload_reader *reload_reader_new(struct event_base *base, reload_read_fn *done, void *arg)
{
    struct reload_reader *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    *r = (struct reload_reader){.done = done, .arg = arg};
    r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->ended = r->fd < 0 ? NULL : event_new(base, r->fd, EV_READ | EV_PERSIST, on_ended, r);
    if (!r->ended || event_add(r->ended, NULL) < 0) {
        reload_reader_free(r);
        return NULL;
    }
    return r;
}

void reload_reader_free(struct reload_reader *r)
{
    if (!r)
        return;
    join(r);
    free_read(&r->got);
    if (r->ended)
        event_free(r->ended);
    if (r->fd >= 0)
        close(r->fd);
    free(r);
}

void reload_reader_start(struct reload_reader *r, const char *file, const char *text, size_t len,
                         const struct conf *now)
{
    sigset_t all, before;

    r->file = file;
    r->text = text;
    r->len = len;
    r->now = now;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    r->joinable = pthread_create(&r->thread, NULL, in_thread, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r->joinable)
        return;
    log_warning("reload", "there is no thread to read the configuration: everything else waits");
    read_all(r);
}
