/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The journal on disk: a line of JSON (journal_text.h) for each entry that is closed, so that what is known
 * of moves outlives the daemon. When PATH has as many lines as the journal has entries, it becomes PATH.1,
 * and that of before is gone: so there are never more than twice as many. Where PATH cannot be renamed it
 * gets twice as many itself, and is emptied then; renamed just before that, it makes three times as many.
 *
 * It never holds up the daemon: regular files only, small appends into the page cache, no fsync. What the
 * machine loses in a crash is lost; a line cut off by it, or any garbage, is skipped when it is read. A disk
 * that is full is said once a minute.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_JOURNAL_FILE_H
#define CONTROLPLANE_JOURNAL_FILE_H

#include "controlplane/journal.h"

struct journal_file;

struct journal_file_stats {
    uint64_t read, garbage; /* lines at start */
    uint64_t written, failed;
};

/* Reads what is there into the journal, then goes on writing behind it. max_lines: of one file. NULL without
 * memory only; trouble with the file is logged, and the next write tries again. */
struct journal_file *journal_file_open(const char *path, uint32_t max_lines, struct journal *j);
/* While the daemon runs: writes to the end of another file. What is in it stays there, and is read at the
 * next start. NULL without memory only. */
struct journal_file *journal_file_append(const char *path, uint32_t max_lines);
const char *journal_file_path(const struct journal_file *f);
void journal_file_add(struct journal_file *f, const struct journal_entry *e);
/* NULL is fine. */
void journal_file_close(struct journal_file *f);
struct journal_file_stats journal_file_stats(const struct journal_file *f);

#endif
