/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as frames from another gateway (oam.h): chunks of a length byte (times four) and bytes. What
 * decodes must encode to what decodes to the same; the exchange must answer requests only.
 */
#include "controlplane/oam.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sent;

static void require(bool ok)
{
    if (!ok)
        abort();
}

static int op_send(void *arg, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len)
{
    struct oam_message m;

    (void)arg, (void)net, (void)vtep;
    require(oam_decode(frame, len < DP_OWN_SNAP ? len : DP_OWN_SNAP, len, &m));
    sent++;
    return 0;
}

static void op_request(void *arg, dp_net_id net, dp_vtep_id from, const struct oam_message *m, mono_t at,
                       struct oam_message *answer)
{
    (void)arg, (void)net, (void)from, (void)at;
    require(!(m->type & OAM_ANSWER));
    answer->status = OAM_OK;
    answer->token = m->token;
}

static void done(void *arg, const struct oam_message *answer, uint64_t rtt, mono_t now)
{
    (void)arg, (void)rtt, (void)now;
    require(!answer || answer->type == (OAM_TAKE | OAM_ANSWER));
}

static void try_codec(const struct dp_own_frame *f)
{
    struct oam_message m, again;
    uint8_t frame[UINT16_MAX];
    size_t len;

    if (!oam_decode(f->data, f->len, f->len, &m))
        return;
    len = oam_encode(&m, (struct mac){{2}}, frame, sizeof(frame));
    require(len >= OAM_FRAME_MIN);
    require(oam_decode(frame, len, len, &again) && memcmp(&m, &again, sizeof(m)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct oam_ops ops = {.send = op_send, .request = op_request};
    struct oam_message take = {.type = OAM_TAKE};
    struct oam *o = oam_new((struct mac){{2}}, 0, &ops, NULL);
    mono_t now = {1};

    require(o && oam_send(o, 1, 1, &take, 2, 100, now, done, NULL) == 0);
    while (size > 1) {
        struct dp_own_frame f = {.net = 1, .from = DP_WHERE_VTEP, .source = 1};
        size_t n = data[0] * 4u;

        data++, size--;
        n = n < size ? n : size;
        n = n < DP_OWN_SNAP ? n : DP_OWN_SNAP;
        f.len = (uint16_t)n;
        memcpy(f.data, data, n);
        data += n, size -= n;
        try_codec(&f);
        sent = 0;
        oam_receive(o, &f, now);
        require(sent <= 1);
        now.ns += 1000000;
        f.at = now;
    }
    oam_run(o, (mono_t){now.ns + UINT64_C(1000000000)});
    oam_free(o);
    return 0;
}
