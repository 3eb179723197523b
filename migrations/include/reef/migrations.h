/**
 * @file migrations.h
 * @brief The numbered SQL files of migrations/, embedded in the program at build time.
 *
 * Versions run from 1 to reef_migration_count without gaps.  A file is never edited
 * after its release: a change is a new file.
 */
#ifndef REEF_MIGRATIONS_H
#define REEF_MIGRATIONS_H

#include <reef/database.h>

/** All migrations, in ascending order of version, for reef_database_migrate().  They
 *  live as long as the program; any thread. */
extern const reef_database_migration_t reef_migrations[];
extern const size_t reef_migration_count;

#endif /* REEF_MIGRATIONS_H */
