/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel tells of an end that was closed; whether one was read is looked at when somebody wants one more.
 */
#include "daemon/bus/openings.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <glib.h>

#include "daemon/bus/quota.h"
#include "daemon/util/cleanup.h"

/* The bus lets 64 be under way, and uploads need some. */
#define OPEN_EACH 6
#define OPEN_ALL 40

struct openings {
    sd_event *event;
    struct quota *quota;
    GQueue open; /* struct opening */
};

struct opening {
    struct openings *openings;
    GList link;
    uid_t uid;
    int fd;
    sd_event_source *source;
};

struct openings *openings_new(sd_event *event)
{
    struct openings *openings = g_new0(struct openings, 1);

    *openings = (struct openings){.event = event, .quota = quota_new(OPEN_EACH, OPEN_ALL)};
    return openings;
}

static void opening_end(struct opening *opening)
{
    g_queue_unlink(&opening->openings->open, &opening->link);
    quota_give_back(opening->openings->quota, opening->uid);
    sd_event_source_disable_unref(opening->source);
    kt_close_p(&opening->fd);
    g_free(opening);
}

struct openings *openings_free(struct openings *openings)
{
    if (openings == NULL)
        return NULL;
    while (openings->open.head != NULL)
        opening_end(openings->open.head->data);
    quota_free(openings->quota);
    g_free(openings);
    return NULL;
}

/* Nothing of what was written is left in the kernel. */
static bool is_read(const struct opening *opening)
{
    int left = 0;

    return ioctl(opening->fd, SIOCOUTQ, &left) == 0 && left == 0;
}

static void end_read(struct openings *openings)
{
    GList *link = openings->open.head;

    while (link != NULL) {
        struct opening *opening = link->data;

        link = link->next;
        if (is_read(opening))
            opening_end(opening);
    }
}

bool openings_take(struct openings *openings, uid_t uid)
{
    if (quota_take(openings->quota, uid))
        return true;
    end_read(openings);
    return quota_take(openings->quota, uid);
}

static int on_closed(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    opening_end(userdata);
    return 0;
}

void openings_watch(struct openings *openings, uid_t uid, int fd)
{
    struct opening *opening;

    if (fd < 0) {
        quota_give_back(openings->quota, uid);
        return;
    }
    opening = g_new0(struct opening, 1);
    *opening = (struct opening){.openings = openings, .link.data = opening, .uid = uid, .fd = fd};
    g_queue_push_tail_link(&openings->open, &opening->link);
    if (sd_event_add_io(openings->event, &opening->source, fd, EPOLLHUP, on_closed, opening) < 0)
        opening_end(opening);
}
