import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The peer: command → per-user state → versioned event, and totals per user, day and category. Kafka Streams with
 * exactly_once_v2, RocksDB and changelogs. Arguments: a properties file of Streams' own settings, the topic of the
 * commands, the topic of the events, "cache" or "no-cache". Says on standard output, with the time, when its state changes
 * and when it restores.
 */
public final class LedgerStreams {
  private static final int RECENT = 16;
  private static final int CATEGORIES = 12;

  /** Of one user: what a duplicate is known by, and a balance for each account. */
  static final class State {
    long version;
    int next;
    final long[] recent = new long[RECENT];
    byte[][] accounts = new byte[0][];
    long[] balances = new long[0];

    boolean hasSeen(long id) {
      for (long known : recent) if (known == id) return true;
      return false;
    }

    void remember(long id) {
      recent[next] = id;
      next = (next + 1) % RECENT;
      version++;
    }

    int indexOf(byte[] account) {
      for (int index = 0; index < accounts.length; index++) {
        if (Arrays.equals(accounts[index], account)) return index;
      }
      return -1;
    }

    void open(byte[] account) {
      accounts = Arrays.copyOf(accounts, accounts.length + 1);
      accounts[accounts.length - 1] = account;
      balances = Arrays.copyOf(balances, accounts.length);
    }

    byte[] encode() {
      int size = 10 + RECENT * 8;
      for (byte[] account : accounts) size += 9 + account.length;
      ByteBuffer out = ByteBuffer.allocate(size).putLong(version).put((byte) next).put((byte) accounts.length);
      for (long id : recent) out.putLong(id);
      for (int index = 0; index < accounts.length; index++) {
        out.put((byte) accounts[index].length).put(accounts[index]).putLong(balances[index]);
      }
      return out.array();
    }

    static State decode(byte[] bytes) {
      if (bytes == null) return null;
      ByteBuffer in = ByteBuffer.wrap(bytes);
      State state = new State();
      state.version = in.getLong();
      state.next = in.get();
      int count = in.get();
      for (int index = 0; index < RECENT; index++) state.recent[index] = in.getLong();
      state.accounts = new byte[count][];
      state.balances = new long[count];
      for (int index = 0; index < count; index++) {
        state.accounts[index] = new byte[in.get()];
        in.get(state.accounts[index]);
        state.balances[index] = in.getLong();
      }
      return state;
    }
  }

  static final class Ledger extends ContextualProcessor<String, byte[], String, byte[]> {
    private KeyValueStore<String, State> ledgers;
    private KeyValueStore<String, Long> totals;

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      super.init(context);
      ledgers = context.getStateStore("ledgers");
      totals = context.getStateStore("totals");
    }

    @Override
    public void process(Record<String, byte[]> record) {
      Commands.Read command = new Commands.Read(record.value());
      String user = record.key();
      State state = ledgers.get(user);
      if (state == null) state = new State();
      long id = hash(command.commandId);
      if (state.hasSeen(id)) return;
      int account = state.indexOf(command.account);
      // A rule that says no; none of the bench's commands meets it.
      if (command.opens == (account >= 0)) return;
      long balance = 0;
      int category = 0;
      if (command.opens) {
        state.open(command.account);
      } else {
        balance = state.balances[account] += command.amount;
        category = categoryOf(command.text);
        String day = user + "|" + command.day + "|" + category;
        Long total = totals.get(day);
        totals.put(day, (total == null ? 0 : total) + command.amount);
      }
      state.remember(id);
      ledgers.put(user, state);
      context().forward(record.withValue(event(state.version, command, balance, category)));
    }

    private static byte[] event(long version, Commands.Read command, long balance, int category) {
      int size = 32 + command.commandId.length + command.account.length + command.currency.length + command.text.length;
      return ByteBuffer.allocate(size)
        .putLong(version).put(command.commandId).put((byte) command.account.length).put(command.account)
        .putLong(command.amount).putLong(balance).put(command.currency).putInt(command.day).put((byte) category)
        .putShort((short) command.text.length).put(command.text).array();
    }

    private static long hash(byte[] text) {
      long hash = 0xcbf29ce484222325L;
      for (byte one : text) hash = (hash ^ one) * 0x100000001b3L;
      return hash;
    }

    /** A toy beside Saldo's categoriser: the hash of the first word. */
    private static int categoryOf(byte[] text) {
      int hash = 0x811c9dc5;
      for (int index = 0; index < text.length && text[index] != ' '; index++) hash = (hash ^ text[index]) * 16777619;
      return (hash >>> 16) % CATEGORIES;
    }
  }

  private static <V> StoreBuilder<KeyValueStore<String, V>> store(String name, Serde<V> serde, boolean cache) {
    StoreBuilder<KeyValueStore<String, V>> store =
      Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.String(), serde).withLoggingEnabled(Map.of());
    return cache ? store.withCachingEnabled() : store.withCachingDisabled();
  }

  private static synchronized void say(String what) {
    System.out.println(System.currentTimeMillis() + " " + what);
  }

  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    try (var file = Files.newBufferedReader(Path.of(args[0]), StandardCharsets.UTF_8)) {
      settings.load(file);
    }
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    boolean cache = args[3].equals("cache");
    Serde<State> states = Serdes.serdeFrom((topic, state) -> state == null ? null : state.encode(), (topic, bytes) -> State.decode(bytes));
    Topology topology = new Topology()
      .addSource("commands", new StringDeserializer(), new ByteArrayDeserializer(), args[1])
      .addProcessor("ledger", Ledger::new, "commands")
      .addStateStore(store("ledgers", states, cache), "ledger")
      .addStateStore(store("totals", Serdes.Long(), cache), "ledger")
      .addSink("events", args[2], new StringSerializer(), new ByteArraySerializer(), "ledger");
    KafkaStreams streams = new KafkaStreams(topology, settings);
    CountDownLatch over = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setStateListener((now, before) -> {
      say(now.name());
      if (now == KafkaStreams.State.NOT_RUNNING || now == KafkaStreams.State.ERROR) over.countDown();
    });
    streams.setGlobalStateRestoreListener(new StateRestoreListener() {
      @Override
      public void onRestoreStart(TopicPartition place, String store, long from, long to) {
        say("RESTORING " + place.partition() + " " + store + " " + (to - from));
      }

      @Override
      public void onBatchRestored(TopicPartition place, String store, long offset, long count) {}

      @Override
      public void onRestoreEnd(TopicPartition place, String store, long count) {
        say("RESTORED " + place.partition() + " " + store + " " + count);
      }
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
    streams.start();
    over.await();
  }
}
