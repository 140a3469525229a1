/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_capture.h. One thread.
 */
#include "controlplane/ctl_capture.h"

#include "conf/types.h"
#include "conf/version.h"
#include "controlplane/ctl_view.h"
#include "controlplane/pcapng.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_PORTS 64
#define SNAP_MAX  2048

struct ports {
    unsigned n;
    double id[MAX_PORTS]; /* by interface of the file */
};

/* Returns how many bytes; -1: that is no such text. */
static int read_hex(const char *text, uint8_t *out, size_t size)
{
    size_t n = 0;

    for (; text && text[0]; text += 2) {
        int high = hex_digit(text[0]), low = text[1] ? hex_digit(text[1]) : -1;

        if (high < 0 || low < 0 || n == size)
            return -1;
        out[n++] = (uint8_t)(high << 4 | low);
    }
    return text ? (int)n : -1;
}

/* One interface for each port, and one for what belongs to none. */
static bool begin(FILE *f, const cJSON *answer, struct ports *ports)
{
    uint32_t snap = (uint32_t)view_number(answer, "snap");
    const cJSON *row;
    bool ok = pcapng_section(f, "causewayctl " CAUSEWAY_VERSION);

    cJSON_ArrayForEach(row, view_member(answer, "ports"))
    {
        const char *name = view_text(row, "name");

        if (ports->n == MAX_PORTS)
            break;
        ports->id[ports->n++] = view_number(row, "id");
        ok = ok && pcapng_interface(f, name ? name : "?", snap);
    }
    return ok && pcapng_interface(f, "gateway", snap) && fflush(f) == 0;
}

static uint32_t interface_of(const struct ports *ports, const cJSON *event)
{
    const cJSON *port = view_member(event, "port");

    for (unsigned i = 0; cJSON_IsNumber(port) && i < ports->n; i++)
        if (ports->id[i] == port->valuedouble)
            return i;
    return ports->n;
}

/* "drop: vlan_unknown", "in, network web" */
static void comment(const cJSON *event, char *out, size_t len)
{
    const char *what = view_text(event, "what"), *reason = view_text(event, "reason");
    const char *network = view_text(event, "network");

    snprintf(out, len, "%s%s%s%s%s", what ? what : "?", reason ? ": " : "", reason ? reason : "",
             network ? ", network " : "", network ? network : "");
}

static bool put_frame(FILE *f, const struct ports *ports, const cJSON *event)
{
    const char *what = view_text(event, "what");
    uint8_t data[SNAP_MAX];
    char text[256];
    int n = read_hex(view_text(event, "data"), data, sizeof(data));
    struct pcapng_packet p = {.interface = interface_of(ports, event),
                              .unix_ns = (uint64_t)view_number(event, "s") * UINT64_C(1000000000) +
                                         (uint64_t)view_number(event, "ns"),
                              .len = (uint32_t)view_number(event, "len"),
                              .data = data,
                              .direction = !what                      ? PCAPNG_UNKNOWN
                                           : strcmp(what, "in") == 0  ? PCAPNG_INBOUND
                                           : strcmp(what, "out") == 0 ? PCAPNG_OUTBOUND
                                                                      : PCAPNG_UNKNOWN,
                              .comment = text};

    if (n < 0)
        return true; /* none of ours: left out */
    p.snapped = (uint32_t)n;
    if (p.len < p.snapped)
        p.len = p.snapped;
    comment(event, text, sizeof(text));
    return pcapng_packet(f, &p) && fflush(f) == 0;
}

static bool follow(struct ctl_client *client, FILE *f, const struct ports *ports, char err[CTL_ERR_LEN])
{
    for (;;) {
        cJSON *event = ctl_client_event(client, err);
        const char *kind = view_text(event, "event");
        bool ok = true, end = kind && strcmp(kind, "captured") == 0;

        if (!event)
            return false;
        if (kind && strcmp(kind, "frame") == 0)
            ok = put_frame(f, ports, event);
        if (end)
            fprintf(stderr, "%.0f frames, %.0f more lost because they came too fast\n",
                    view_number(event, "frames"), view_number(event, "lost"));
        cJSON_Delete(event);
        if (!ok)
            snprintf(err, CTL_ERR_LEN, "cannot write the frames: %s", strerror(errno));
        if (end || !ok)
            return ok;
    }
}

/* A file is opened when the gateway has agreed, and not before: opening empties it, and it may be that of the
 * capture for whose sake this one is refused. */
static bool write_to(struct ctl_client *client, const cJSON *answer, const char *path, char err[CTL_ERR_LEN])
{
    bool out = strcmp(path, "-") == 0, ok;
    FILE *f = out ? stdout : fopen(path, "we");
    struct ports ports = {0};

    ok = f && begin(f, answer, &ports);
    if (!ok)
        snprintf(err, CTL_ERR_LEN, "%s: %s", path, strerror(errno));
    ok = ok && follow(client, f, &ports, err);
    if (!out && f && fclose(f) != 0 && ok) {
        snprintf(err, CTL_ERR_LEN, "%s: %s", path, strerror(errno));
        ok = false;
    }
    return ok;
}

bool ctl_capture(struct ctl_client *client, const cJSON *request, const char *path, char err[CTL_ERR_LEN])
{
    cJSON *answer;
    bool ok;

    if (strcmp(path, "-") == 0 && isatty(STDOUT_FILENO)) {
        snprintf(err, CTL_ERR_LEN, "a terminal does not show frames: -w FILE, or pipe it to tcpdump -r -");
        return false;
    }
    answer = ctl_client_call(client, request, err);
    if (answer && view_text(answer, "without_fastpath"))
        fprintf(stderr, "what the fast path carries is not among the frames: %s\n",
                view_text(answer, "without_fastpath"));
    ok = answer && write_to(client, answer, path, err);
    cJSON_Delete(answer);
    return ok;
}
