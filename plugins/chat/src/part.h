/**
 * @file part.h
 * @brief The two parts that the three plugins are made of.
 */
#ifndef REEF_CHAT_PART_H
#define REEF_CHAT_PART_H

#include <reef/app.h>
#include <reef/chat.h>

/** Nicknames, and talk. */
typedef struct reef__talk reef__talk_t;

/** Register it all.  Owned by the caller: reef__talk_destroy().
 *  @return REEF_OK, or REEF_E_EXISTS when a prefix is taken. */
REEF_NODISCARD reef_error_t reef__talk_create(reef_app_t *app,
                                              const chat_core_config_t *config,
                                              reef__talk_t **talk,
                                              reef_failure_t *failure);

/** Accepts NULL. */
void reef__talk_destroy(reef__talk_t *talk);

/** The commands of rooms, and the list `rooms`. */
typedef struct reef__doors reef__doors_t;

/** Likewise. */
REEF_NODISCARD reef_error_t reef__doors_create(reef_app_t *app,
                                               const chat_rooms_config_t *config,
                                               reef__doors_t **doors,
                                               reef_failure_t *failure);

/** Accepts NULL. */
void reef__doors_destroy(reef__doors_t *doors);

#endif /* REEF_CHAT_PART_H */
