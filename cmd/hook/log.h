/* log.h -- one line per event, "TIME PID message", appended to HELDBY_LOG; nothing in the program's streams.
 *
 * Without HELDBY_LOG only problems are written, to FOLDER/heldby.PID.log, which exists only if there was one.
 * The file is opened for each line and closed again: a program that closes all its descriptors loses nothing.
 * No malloc, no stdio; async-signal-safe. A line that cannot be written is lost in silence.
 */
#ifndef HELDBY_HOOK_LOG_H
#define HELDBY_HOOK_LOG_H

void log_event(const char *message);   /* only when HELDBY_LOG names a file */
void log_problem(const char *message); /* always */

#endif
