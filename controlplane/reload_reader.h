/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A configuration is read, checked and compared with the one in force in a thread of its own, as 8 MiB of it
 * take a second or more: the control thread has keepalives to send and moves to follow meanwhile. One at a
 * time. The thread sees nothing but its copy of the text, the file, and the configuration in force, which
 * nobody changes or frees until it has ended.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_RELOAD_READER_H
#define CONTROLPLANE_RELOAD_READER_H

#include "conf/conf.h"
#include "conf/conf_diff.h"

struct event_base;
struct reload_reader;

struct reload_read {
    struct conf *conf; /* NULL: see errors. Who keeps it sets it to NULL, else it is freed after the call */
    struct conf_errors errors;
    struct conf_diff diff; /* to the one in force, if there is one */
    int rc;                /* 0, or -ENOMEM: nothing of it is of use */
};

/* From the loop; another one may be started in there. */
typedef void reload_read_fn(void *arg, struct reload_read *got);

/* NULL without memory. */
struct reload_reader *reload_reader_new(struct event_base *base, reload_read_fn *done, void *arg);
/* Waits for the thread, but calls nobody any more. NULL is fine. */
void reload_reader_free(struct reload_reader *r);

/* A file, or a text (file NULL) that stays until then; and what is in force. While none is under way. Where
 * no thread can be had it is done here, and takes as long as it takes; also then it ends from the loop. */
void reload_reader_start(struct reload_reader *r, const char *file, const char *text, size_t len,
                         const struct conf *now);

#endif
