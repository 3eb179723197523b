/** @file plugin_list.h  Every plugin that serves clients, for tests of all together. */
#ifndef PLUGIN_LIST_H
#define PLUGIN_LIST_H

#include <reef/chat.h>
#include <reef/demo.h>
#include <reef/heartbeat.h>
#include <reef/lobby.h>
#include <reef/presence.h>
#include <reef/rate_limit.h>
#include <reef/spatial.h>

static const reef_plugin_t *const all_plugins[] = {
    &reef_rate_limit_plugin, &reef_heartbeat_plugin,
    &reef_chat_plugin,       &reef_lobby_plugin,
    &reef_presence_plugin,   &reef_spatial_plugin,
    &reef_demo_plugin,       NULL,
};

#endif /* PLUGIN_LIST_H */
