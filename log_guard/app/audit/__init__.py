"""``logguard audit``: are all events accounted for, and if not, which?

Three books are held against one another: Kafka's offsets, the accounts that travelled with the
summaries, and the rows of the database.
"""
