//! The integration tests: one binary, a line per theme. Those of whole towns start real
//! ones on free ports.

mod accounts; // Signing up and in, tokens, sessions, the end of an account.
mod api; // The REST API, as its clients see it.
mod authority; // Whose rights code runs with.
mod birth; // Processes that are started and not forked.
mod changing; // The platform, changed the way its owner would.
mod compile; // The compiler: what comes out is run by the engine.
mod cron; // Files that run by a schedule.
mod depth; // What must be right at every depth, down to eight.
mod description; // What the API says of itself, held against what it does.
mod durability; // What was acknowledged is there after a crash.
mod email; // Mail, in and out.
mod errors; // Who is told what when something fails.
mod grant; // Grants narrow, frames are bounded: properties.
mod hostile; // Programs that mean harm, with everybody else served.
mod instances; // Towns as things: carried, copied, suspended, watched.
mod language; // What the engine lacks of the language.
mod libraries; // Libraries of others, unchanged.
mod limits; // Every limit of a program, reached.
mod lockout; // Getting in and going back, whatever was changed.
mod logs; // Records of runs and console lines.
mod merging; // Two changes of one text.
mod modules; // Where the modules of vals come from.
mod nesting; // Towns inside towns.
mod node; // The modules of Node, and CommonJS.
mod overriding; // Changing the platform from inside.
mod plans; // How SQLite goes about what is asked often.
mod programs; // What a program is given by the one that starts it.
mod routing; // Requests that the kernel hands on without asking the program.
mod sandbox; // What a process has given up.
mod seed; // The programs the project comes from.
mod serving; // Programs are live at once.
mod sockets; // WebSockets, served and used.
mod storage; // The storage, through its public door.
mod streaming; // Bodies, both ways.
mod tidy; // The rules of the house.
mod town;
mod trials; // A changed platform, on a copy of the data.
mod upheaval; // Random sequences of all that may happen.
mod vals; // What a val goes through: versions, branches, names, deletion, search.
mod watching; // Waiting for a condition, and looking at processes.
mod web; // The web APIs, as programs see them.
