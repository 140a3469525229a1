/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rehearse_probe.h. Control thread only.
 */
#include "controlplane/rehearse_probe.h"

#include "controlplane/buf.h"
#include "dataplane/dp.h"

#define MAGIC  0x43575250u /* CWRP */
#define PROBE  1
#define ANSWER 2
#define LEN    (14 + 14)

void rehearse_probe_encode(const struct rehearse_probe *p, uint8_t frame[REHEARSE_PROBE_LEN])
{
    struct buf_out out;

    memset(frame, 0, REHEARSE_PROBE_LEN);
    buf_out_init(&out, frame, REHEARSE_PROBE_LEN);
    buf_put(&out, p->to.b, 6);
    buf_put(&out, p->from.b, 6);
    buf_put_u16(&out, DP_OAM_ETHERTYPE);
    buf_put_u32(&out, MAGIC);
    buf_put_u32(&out, p->session);
    buf_put_u32(&out, p->sequence);
    buf_put_u8(&out, p->answer ? ANSWER : PROBE);
    buf_put_u8(&out, p->holder);
}

bool rehearse_probe_decode(const uint8_t *frame, size_t len, struct rehearse_probe *out)
{
    struct buf_in in;
    uint8_t kind;

    *out = (struct rehearse_probe){.session = 0};
    if (len < LEN)
        return false;
    buf_in_init(&in, frame, len);
    buf_get_copy(&in, out->to.b, 6);
    buf_get_copy(&in, out->from.b, 6);
    if (buf_get_u16(&in) != DP_OAM_ETHERTYPE || buf_get_u32(&in) != MAGIC)
        return false;
    out->session = buf_get_u32(&in);
    out->sequence = buf_get_u32(&in);
    kind = buf_get_u8(&in);
    out->holder = buf_get_u8(&in);
    out->answer = kind == ANSWER;
    return !in.failed && (kind == PROBE || kind == ANSWER) && out->holder <= REHEARSE_AWAY;
}

/* ---- a train of probes */

void rehearse_train_start(struct rehearse_train *t)
{
    memset(t, 0, sizeof(*t));
}

uint32_t rehearse_train_sent(struct rehearse_train *t, mono_t now)
{
    uint32_t sequence = t->sent++;

    t->sent_at[sequence % REHEARSE_WINDOW] = now;
    t->is_answered[sequence % REHEARSE_WINDOW] = false;
    return sequence;
}

bool rehearse_train_answer(struct rehearse_train *t, uint32_t sequence, enum rehearse_holder holder, bool far,
                           mono_t at)
{
    uint32_t i = sequence % REHEARSE_WINDOW;
    uint64_t rtt;

    if (sequence >= t->sent || t->sent - sequence > REHEARSE_WINDOW || t->is_answered[i] ||
        holder == REHEARSE_NOBODY || holder > REHEARSE_AWAY)
        return false;
    t->is_answered[i] = true;
    t->answered++;
    t->by[holder]++;
    t->in_a_row = t->last_holder == holder ? t->in_a_row + 1 : 1;
    t->last_holder = (uint8_t)holder;
    t->last[holder] = at;
    if (t->first[holder].ns == 0)
        t->first[holder] = at;
    if (!far)
        return true;
    rtt = at.ns > t->sent_at[i].ns ? at.ns - t->sent_at[i].ns : 0;
    if (t->rtt_sum == 0 || rtt < t->rtt_min)
        t->rtt_min = rtt;
    if (rtt > t->rtt_max)
        t->rtt_max = rtt;
    t->rtt_sum += rtt;
    return true;
}

void rehearse_train_mark(struct rehearse_train *t)
{
    memset(t->first, 0, sizeof(t->first));
}

uint32_t rehearse_train_lost(const struct rehearse_train *t, mono_t now, uint64_t older_ns)
{
    uint32_t begin = t->sent > REHEARSE_WINDOW ? t->sent - REHEARSE_WINDOW : 0, lost = 0;

    for (uint32_t n = begin; n < t->sent; n++) {
        uint32_t i = n % REHEARSE_WINDOW;

        lost += !t->is_answered[i] && now.ns > t->sent_at[i].ns && now.ns - t->sent_at[i].ns >= older_ns;
    }
    return lost;
}
