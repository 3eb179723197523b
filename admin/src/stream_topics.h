/**
 * @file stream_topics.h
 * @brief What a live stream can follow, and how each of it is collected and shown.
 *
 *     frames metrics systems clients snapshots lists entity:{id}
 *     query:{a,b}[@{cursor}]
 *
 * Each message holds the whole present state of its topic.
 */
#ifndef REEF_ADMIN_STREAM_TOPICS_H
#define REEF_ADMIN_STREAM_TOPICS_H

#include "list_view.h"
#include "views.h"
#include "world_view.h"

enum {
    REEF__MAX_TOPICS = 8,
    REEF__TOPIC_SIZE = 512,
    REEF__TOPIC_PAGE = 100, /* entities of a query */
};

typedef enum reef__topic_kind {
    REEF__TOPIC_FRAMES,
    REEF__TOPIC_METRICS,
    REEF__TOPIC_SYSTEMS,
    REEF__TOPIC_CLIENTS,
    REEF__TOPIC_SNAPSHOTS,
    REEF__TOPIC_LISTS, /* how many rows each has */
    REEF__TOPIC_ENTITY,
    REEF__TOPIC_QUERY,
} reef__topic_kind_t;

typedef struct reef__topic {
    reef__topic_kind_t kind;
    char name[REEF__TOPIC_SIZE]; /* as subscribed */
    uint32_t interval_ms;        /* least time between two messages */
    uint64_t due_ns;             /* when to look again */
    bool is_due;
    bool was_sent;
    uint64_t hash; /* of what was sent */

    /* entity: and query: */
    reef_entity_t entity;
    uint32_t after; /* the cursor that was asked for */
    bool found;
    reef__page_t page;

    reef__clients_t clients;
    reef__systems_t systems;
    reef__list_counts_t lists;
} reef__topic_t;

typedef struct reef__topics {
    reef__admin_t *admin;
    size_t count;
    reef__topic_t items[REEF__MAX_TOPICS];
    reef__frame_view_t frame;
    char unknown[64]; /* first name in a query that is no component */
} reef__topics_t;

/** Split a list of topics; on failure *wrong is what could not be understood, cut. */
bool reef__topics_parse(reef__topics_t *topics, const char *text, char wrong[64]);

/** Look for components that are not there.  World thread; a reef_request_fn. */
void reef__topics_check(void *argument);

/** Mark what is due at @p now_ns; whether anything is. */
bool reef__topics_mark(reef__topics_t *topics, uint64_t now_ns);

/** Copy what the due topics need.  World thread; a reef_request_fn on the topics. */
void reef__topics_collect(void *argument);

/** The present state of a due topic as a JSON text, from malloc(). */
char *reef__topic_print(reef__topics_t *topics, reef__topic_t *topic);

/** Release what was collected. */
void reef__topics_finish(reef__topics_t *topics);

#endif /* REEF_ADMIN_STREAM_TOPICS_H */
