/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_rehearse.h. One thread.
 */
#include "controlplane/ctl_rehearse.h"

#include "controlplane/ctl_view.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ASK_MS    200
#define ASK_TIMES 300 /* a minute: longer than any rehearsal */

static const struct {
    const char *stage, *words;
} stage_words[] = {
    {"path", "the way there: round trip and MTU"},
    {"taking", "a synthetic MAC appears here, and the other gateway hears of it"},
    {"there", "it has moved there: probes follow it"},
    {"back", "it comes back"},
    {"reporting", "the other gateway says what it saw"},
};

static void say_stage(const char *stage)
{
    for (size_t i = 0; stage && i < sizeof(stage_words) / sizeof(stage_words[0]); i++)
        if (strcmp(stage_words[i].stage, stage) == 0)
            fprintf(stderr, "%s ...\n", stage_words[i].words);
}

cJSON *ctl_rehearse_follow(struct ctl_client *client, char err[CTL_ERR_LEN])
{
    static const struct timespec pause = {.tv_nsec = ASK_MS * 1000000L};
    cJSON *request = cJSON_CreateObject(), *answer = NULL;
    char last[32] = "";

    cJSON_AddStringToObject(request, "cmd", "show rehearsal");
    for (unsigned i = 0; i < ASK_TIMES; i++) {
        const char *stage;

        cJSON_Delete(answer);
        answer = ctl_client_call(client, request, err);
        if (!answer || view_true(answer, "finished"))
            break;
        stage = view_text(answer, "stage");
        if (stage && strcmp(stage, last) != 0) {
            snprintf(last, sizeof(last), "%s", stage);
            say_stage(stage);
        }
        nanosleep(&pause, NULL);
    }
    cJSON_Delete(request);
    if (answer && strcmp(view_text(answer, "stage") ? view_text(answer, "stage") : "", "done") != 0) {
        snprintf(err, CTL_ERR_LEN, "%s",
                 view_text(answer, "error") ? view_text(answer, "error") : "it does not end");
        cJSON_Delete(answer);
        answer = NULL;
    }
    return answer;
}
