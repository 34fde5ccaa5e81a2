"""The roles of the pipeline on Kafka, and the argument why they lose and double nothing.

Each role is a loop of steps. A step reads a run of records, computes, and makes what it computed
and how far it has read durable **at once**, in one transaction:

=========  ==================  ================================================  ==================
role       reads               writes in one transaction                         with
=========  ==================  ================================================  ==================
summarise  log-events          summaries, accounts, dead letters                 input offsets
detect     window-summaries    results, alerts, accounts, state, frontier        input offsets
write      anomaly-results,    rows, each only over an older one                 input offsets,
           dead-letters                                                          *after* the rows
=========  ==================  ================================================  ==================

**A step that dies** leaves an open transaction. The broker ends it, at the latest after its
timeout; committed readers never see any of it; and since the offsets were part of it, the next owner
reads the same records again. So each record's effects are seen once or not yet.

**A partition is handed over** only after its owner has let go of it, which it does between two transactions
(cooperative rebalancing), or was put out of the group. What it had read and not committed is dropped.
The next owner asks for the committed offset, an answer that waits for a transaction still open.

**While members come and go** the broker may refuse offsets, for the generation has just changed. Summarise then
aborts the transaction, hears what the group shares out, and commits the same again, without what was read of
partitions that it has let go of meanwhile, were they given back at once: those begin anew at their offset.

**A zombie**, stopped for longer than its session and woken again, still believes that it owns its
partitions. Its transaction carries the group's metadata, with the generation it knew; the broker
refuses offsets of an older generation, and with them the whole transaction. Also a commit without
events carries offsets, so that this question is asked each time.

**Detect is a fold** (:mod:`log_guard.core.stream.fold`): equal records, equal results. Its state is written
now and then, in the same transaction; whoever takes over restores it and reads on from the offset
that the state names. Up to the frontier, the last record whose results are out, it publishes
nothing. So a state may be old without anything being emitted twice. A record that gives much is
published in several transactions; the frontier then says how many slices of it are out, equal
records have equal slices, and the group's offset moves on after the last one. Before it reads the
state, the next detector waits for the end of every transaction that may still write to it.

**What is not repeated** by another run over the same events is when a partition fell quiet: its time goes on by the clock
then (``--idle-seconds``), so where the input pauses, windows may close at another moment, what comes late for them is a
revision, and a detector may learn from other windows first. What is counted is the same, verdicts need not be. Equal
*summaries* give equal results, so a crash of who reads them changes nothing.

**What people change** while it runs, the model or the feedback, becomes part of that state before anything
is judged by it, and never during a replay (:mod:`log_guard.app.roles.guidance`). So a replay judges as
the first run did.

**Write** is at least once on purpose. A row is replaced only by one of the same or a greater
revision, and the revision is the offset of the record that caused it; writing a record twice, or
late, or by a zombie, changes nothing. Of one revision, what is final stays. Accounts have no revision: those that are old
are merged in the database (``db maintain``), and so not written a second time where hands have set the group back.

**Retention** may delete events before they are read. Whoever takes over goes on with the first one that is there, and
the fold names what lies between; so a reader whose next event is gone ends its session rather than pass it over.

**Pausing** a partition that is far ahead changes when something is read and not what: it goes on from
the first offset that no commit has covered.

**A topic made anew** under its old name counts from 0 again. Each commit of summarise names the id of the topic that it
read; where the last one names another, or the id changes while it runs, summarise refuses to go on.

**Hands** can still move a group's offsets. Every commit says which input offsets it covers, and the
fold keeps out a range that it has seen and names one that it has not (``audit`` shows both). A range of which
it has seen a part it would have to keep out whole: so of a partition that was set back no commit goes across
the offset up to which commits had come, and that offset is passed on with ours until it is reached. Detect
goes by its state, and write by revisions. Each role says in its log what was moved: offsets of ours
carry metadata, those that a person sets do not, and the last summaries, the state and the table
``positions`` tell where the group was. Hands
can also write to our topics: a record that nobody can read is kept as a dead letter and passed
over, but one of a newer schema stops its reader until that is upgraded. What precedes it is then published,
stored and written, so that it can be removed with all before it.

Whatever else goes wrong in a step ends the *session*: clients are closed, nothing half-done is kept, and
the role starts from what is durable; at once if the session had got somewhere and the role was not
interrupted before, else after a pause that grows. There is one way back, and every other failure takes it. Why is said
once, and every five minutes while it lasts (:mod:`log_guard.app.roles.news`).
"""
