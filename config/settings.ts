/** Every setting: where it comes from, what it means, what holds without it. `config/example.env` says the same. */
export type Setting = { readonly name: string; readonly fallback: string; readonly meaning: string }

export const settings = {
  environment: {
    name: 'SALDO_ENV',
    fallback: 'development',
    meaning: 'development or production; production refuses secrets that were made for development',
  },
  dataDir: {
    name: 'SALDO_DATA_DIR',
    fallback: '.saldo',
    meaning:
      'folder of the embedded database, the keys and the demo; several verbs of one folder share one engine',
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    fallback: '',
    meaning: 'PostgreSQL or TimescaleDB to use instead of the embedded one',
  },
  apiDatabaseUrl: {
    name: 'SALDO_API_DATABASE_URL',
    fallback: '',
    meaning:
      'login of its own for the query API, which needs nothing but the right to become saldo_api; without it DATABASE_URL',
  },
  kafkaBrokers: {
    name: 'KAFKA_BROKERS',
    fallback: '',
    meaning:
      'brokers that hold the log, host:port separated by commas; without it the log is in the database',
  },
  kafkaPrefix: {
    name: 'SALDO_KAFKA_PREFIX',
    fallback: '',
    meaning:
      'before the name of every topic, group and transactional id; two engines on one cluster differ here',
  },
  kafkaTls: {
    name: 'SALDO_KAFKA_TLS',
    fallback: 'off',
    meaning: 'on or off: whether connections to Kafka are encrypted, and its certificates checked',
  },
  kafkaCaFile: {
    name: 'SALDO_KAFKA_CA_FILE',
    fallback: '',
    meaning:
      "file (PEM) of the authorities that may issue the brokers' certificates; without it those that Node trusts",
  },
  kafkaCertificateFile: {
    name: 'SALDO_KAFKA_CERTIFICATE_FILE',
    fallback: '',
    meaning: 'file (PEM) of a certificate of our own, where brokers ask for one',
  },
  kafkaKeyFile: {
    name: 'SALDO_KAFKA_KEY_FILE',
    fallback: '',
    meaning: 'file (PEM, not encrypted) of the key of that certificate',
  },
  kafkaServerName: {
    name: 'SALDO_KAFKA_SERVER_NAME',
    fallback: '',
    meaning:
      "name that every broker's certificate has to be for, where it is not the host name in its address",
  },
  kafkaSasl: {
    name: 'SALDO_KAFKA_SASL',
    fallback: 'off',
    meaning:
      'how to log in to Kafka: off, plain, scram-sha-256, scram-sha-512 or oauthbearer; production takes plain with TLS only',
  },
  kafkaUser: {
    name: 'SALDO_KAFKA_USER',
    fallback: '',
    meaning: 'user of that login, or the id of a client that asks for tokens',
  },
  kafkaPassword: {
    name: 'SALDO_KAFKA_PASSWORD',
    fallback: '',
    meaning: 'password of that user, or secret of that client',
  },
  kafkaPasswordFile: {
    name: 'SALDO_KAFKA_PASSWORD_FILE',
    fallback: '',
    meaning: 'file that holds the password, read again for each connection',
  },
  kafkaTokenFile: {
    name: 'SALDO_KAFKA_TOKEN_FILE',
    fallback: '',
    meaning:
      'file that holds a token for oauthbearer and that something else renews; read again for each connection',
  },
  kafkaTokenUrl: {
    name: 'SALDO_KAFKA_TOKEN_URL',
    fallback: '',
    meaning:
      'https address that gives tokens for oauthbearer to a client with id and secret (OAuth 2.0 client credentials)',
  },
  kafkaTokenScope: {
    name: 'SALDO_KAFKA_TOKEN_SCOPE',
    fallback: '',
    meaning: 'scope to ask for there; without it none',
  },
  kafkaReplicas: {
    name: 'SALDO_KAFKA_REPLICATION',
    fallback: '',
    meaning:
      'copies of every record on Kafka, for topics that are made; without it 3, or as many as brokers run',
  },
  kafkaInSyncMin: {
    name: 'SALDO_KAFKA_MIN_ISR',
    fallback: '',
    meaning:
      'copies that are written before a record is acknowledged; without it all but one, and at least one',
  },
  schemaRegistryUrl: {
    name: 'SCHEMA_REGISTRY_URL',
    fallback: '',
    meaning:
      'schema registry with the API of Confluent, asked at the start and for ids that came up since; without it records on Kafka carry the ids of the checked-in schemas',
  },
  schemaRegistryUser: {
    name: 'SALDO_SCHEMA_REGISTRY_USER',
    fallback: '',
    meaning: 'user that the schema registry knows; without it nobody is named',
  },
  schemaRegistryPassword: {
    name: 'SALDO_SCHEMA_REGISTRY_PASSWORD',
    fallback: '',
    meaning: 'password of that user',
  },
  schemaRegistryPasswordFile: {
    name: 'SALDO_SCHEMA_REGISTRY_PASSWORD_FILE',
    fallback: '',
    meaning: 'file that holds the password; instead of the password',
  },
  schemaRegistryCaFile: {
    name: 'SALDO_SCHEMA_REGISTRY_CA_FILE',
    fallback: '',
    meaning:
      'file of certificates (PEM) that sign that of the schema registry; without it those that Node trusts',
  },
  masterKey: {
    name: 'SALDO_MASTER_KEY',
    fallback: '',
    meaning:
      '64 hexadecimal digits that wrap every subject key; without it a file in the data folder holds one',
  },
  masterKeyFile: {
    name: 'SALDO_MASTER_KEY_FILE',
    fallback: '',
    meaning: 'file that holds the master key, readable by its owner only',
  },
  jwtSecret: {
    name: 'SALDO_JWT_SECRET',
    fallback: '',
    meaning:
      'secret of at least 32 characters that tokens are signed with; without it a file in the data folder holds one, which production refuses',
  },
  jwksUrl: {
    name: 'SALDO_JWKS_URL',
    fallback: '',
    meaning:
      'https address of the public keys (JWKS) of whoever issues your tokens; instead of a secret',
  },
  jwksFile: {
    name: 'SALDO_JWKS_FILE',
    fallback: '',
    meaning: 'file of such public keys; instead of an address',
  },
  jwtAudience: {
    name: 'SALDO_JWT_AUDIENCE',
    fallback: 'saldo',
    meaning: 'audience that a token has to name',
  },
  jwtIssuer: {
    name: 'SALDO_JWT_ISSUER',
    fallback: '',
    meaning: 'issuer that a token has to name; without it any',
  },
  rateLimit: {
    name: 'SALDO_RATE_LIMIT',
    fallback: '1200',
    meaning: 'requests a minute that a user may send to one process of the API; 0 is no limit',
  },
  addressRateLimit: {
    name: 'SALDO_ADDRESS_RATE_LIMIT',
    fallback: '120',
    meaning: 'requests a minute without a valid token from one address; 0 is no limit',
  },
  streamsPerUser: {
    name: 'SALDO_STREAMS_PER_USER',
    fallback: '10',
    meaning: 'live streams that a user may have open in one process of the API',
  },
  streamsMax: {
    name: 'SALDO_STREAMS_MAX',
    fallback: '1000',
    meaning: 'live streams that one process of the API keeps open',
  },
  corsOrigins: {
    name: 'SALDO_CORS_ORIGINS',
    fallback: '',
    meaning:
      'origins, separated by commas, whose pages may read answers, such as https://app.example; without it none',
  },
  trustedProxies: {
    name: 'SALDO_TRUSTED_PROXIES',
    fallback: '',
    meaning:
      'addresses and networks of your reverse proxies, separated by commas, that tell who asked in X-Forwarded-For',
  },
  host: { name: 'SALDO_HOST', fallback: '127.0.0.1', meaning: 'address that servers listen on' },
  port: {
    name: 'SALDO_PORT',
    fallback: '8080',
    meaning: 'port of the query API; the next free one is taken, and printed, when it is in use',
  },
  partitions: {
    name: 'SALDO_PARTITIONS',
    fallback: '',
    meaning: 'partitions of every topic, fixed at the first start; without it 12 on Kafka, else 4',
  },
  batchRecords: {
    name: 'SALDO_BATCH_RECORDS',
    fallback: '1000',
    meaning: 'records per batch at most',
  },
  batchBytes: {
    name: 'SALDO_BATCH_BYTES',
    fallback: '1000000',
    meaning: 'bytes per batch at most',
  },
  checkpointMs: {
    name: 'SALDO_CHECKPOINT_MS',
    fallback: '2000',
    meaning:
      'milliseconds between checkpoints; while one is on its way for five times as long, its partition decides no more',
  },
  checkpointStates: {
    name: 'SALDO_CHECKPOINT_STATES',
    fallback: '10000',
    meaning: 'changed states that make a checkpoint due early',
  },
  checkpointBytes: {
    name: 'SALDO_CHECKPOINT_BYTES',
    fallback: '16000000',
    meaning:
      'bytes of events since the last checkpoint of a partition that make one due early; at five times as many, reading commands pauses',
  },
  shards: {
    name: 'SALDO_SHARDS',
    fallback: '64',
    meaning: 'actors per partition, or `ledger` for an actor per ledger',
  },
  clock: {
    name: 'SALDO_CLOCK',
    fallback: 'on',
    meaning:
      'on or off: removes records that nobody needs any more and tells every ledger once a day that time passed; of several processes one does it',
  },
  unreadAlarmSeconds: {
    name: 'SALDO_UNREAD_ALARM_SECONDS',
    fallback: '300',
    meaning: 'age of the oldest command that is not decided at which the clock logs an error',
  },
  answersDays: {
    name: 'SALDO_ANSWERS_DAYS',
    fallback: '7',
    meaning: 'days that outcomes and dead letters stay in the log at least',
  },
  budgetThresholds: {
    name: 'SALDO_BUDGET_THRESHOLDS',
    fallback: '80,90,100',
    meaning:
      'percentages of a budget that are worth an alert, ascending, for budgets that name none themselves',
  },
  logLevel: {
    name: 'SALDO_LOG_LEVEL',
    fallback: 'warn',
    meaning: 'trace, debug, info, warn, error, fatal or silent',
  },
} as const satisfies { readonly [key: string]: Setting }

export type SettingKey = keyof typeof settings
