DROP INDEX letters_message_id;
DROP TABLE received_chunks;
DROP TABLE received_messages;
