/*
 * All event queues of one world, by type.
 */
#ifndef REEF_ECS_EVENT_H
#define REEF_ECS_EVENT_H

#include <reef/alloc.h>
#include <reef/event.h>

typedef struct reef_event_registry reef_event_registry_t;

reef_event_registry_t *reef__event_registry_create(reef_world_t *world);

/* Drops all events still held; every reader must be gone (asserts).  Accepts NULL. */
void reef__event_registry_destroy(reef_event_registry_t *registry);

/* The queue of @p type, made on first use; @p type is borrowed.  Two types of one name
 * must have the same size (asserts). */
reef_event_queue_t *reef__event_registry_ensure(reef_event_registry_t *registry,
                                                const reef_event_type_t *type);

/* Free, in every queue, the events that all its readers have passed. */
void reef__event_registry_trim(reef_event_registry_t *registry);

/* How many events the queue still takes. */
uint64_t reef__event_room(const reef_event_queue_t *queue);

/* Count emits that were dropped before they came here. */
void reef__event_note_dropped(reef_event_queue_t *queue, uint64_t count);

#endif /* REEF_ECS_EVENT_H */
