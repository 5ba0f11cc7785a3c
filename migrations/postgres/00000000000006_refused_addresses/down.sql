DROP TABLE refused_addresses;
