/**
 * @file demo.h
 * @brief A small living world to look at: named creatures that swim about.
 */
#ifndef REEF_DEMO_H
#define REEF_DEMO_H

#include <reef/plugin.h>

/** Section `demo`. */
REEF_COMPONENT(demo_config,
               0,
               REEF_U32(entities,
                        .initial = "0",
                        .max = 1000000,
                        .doc = "creatures in a new world; 0 = no demo"));

extern const reef_plugin_t reef_demo_plugin;

#endif /* REEF_DEMO_H */
