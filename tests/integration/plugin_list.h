/** @file plugin_list.h  Every plugin that serves clients, for tests of all together. */
#ifndef PLUGIN_LIST_H
#define PLUGIN_LIST_H

#include <reef/chat.h>

static const reef_plugin_t *const all_plugins[] = {
    &reef_chat_plugin,
    NULL,
};

#endif /* PLUGIN_LIST_H */
