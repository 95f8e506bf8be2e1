import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The two commands of the bench, as a producer of Saldo's writes them: Confluent wire format and Avro. Written and read
 * by hand, field by field as in schemas/ledger/ledger-command.v1.avsc, so that neither side pays for a library.
 */
final class Commands {
  static final String CURRENCY = "NOK";
  private static final String ACCOUNT = "main";
  private static final long DAY_MS = 86_400_000L;
  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private static final String[] TEXTS = {
    "VISA VARE 4411 REMA 1000 TORSHOV OSLO", "KIWI 512 GRUNERLOKKA", "AVTALEGIRO STROM OG NETTLEIE",
    "SPOTIFY P2A41F STOCKHOLM", "RUTER APP OSLO 30-DAGERS", "VIPPS*KAFFE OG KAKE", "OVERFORSEL SPAREKONTO",
    "CIRCLE K ALNABRU DRIVSTOFF", "HUSLEIE MAI REF 004417", "APOTEK 1 STORGATA",
  };

  private final int schemaId;
  private final byte[] bytes = new byte[512];
  private int at;

  Commands(int schemaId) {
    this.schemaId = schemaId;
  }

  /** Spread like a random uuid, and the same in every run. */
  static byte[] uuid(String kind, long number) {
    byte[] text = new byte[36];
    long half = mix(number ^ ((long) kind.hashCode() << 32));
    for (int digit = 0, place = 0; digit < 32; digit++, place++) {
      if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text[place++] = '-';
      if (digit == 16) half = mix(half ^ number);
      text[place] = HEX[(int) (half >>> (60 - 4 * (digit & 15))) & 15];
    }
    text[14] = '4';
    text[19] = 'a';
    return text;
  }

  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  static byte[] user(long number, int users) {
    return uuid("user", number % users);
  }

  byte[] openAccount(long number, int users, long now) {
    envelope(uuid("account", number), user(number, users), now);
    varint(0);
    string(ACCOUNT.getBytes(StandardCharsets.UTF_8));
    varint(0);
    string(CURRENCY.getBytes(StandardCharsets.UTF_8));
    varint(1);
    string("Everyday account".getBytes(StandardCharsets.UTF_8));
    varint(0);
    return Arrays.copyOf(bytes, at);
  }

  /** The same transactions as those of bench/workload.ts, apart from their ids; another series has other ids. */
  byte[] recordTransaction(String series, long index, int users, long now) {
    envelope(uuid("command " + series, index), user(index, users), now);
    varint(3);
    string(uuid("transaction " + series, index));
    string(ACCOUNT.getBytes(StandardCharsets.UTF_8));
    varint(index % 10 == 7 ? 100_000 + index % 9000 : -100 - index % 5000);
    string(CURRENCY.getBytes(StandardCharsets.UTF_8));
    varint(now - (index % 300) * DAY_MS);
    varint(0);
    varint(2);
    varint(0);
    varint(0);
    varint(1);
    string((TEXTS[(int) (index % TEXTS.length)] + " " + index % 1000).getBytes(StandardCharsets.UTF_8));
    for (int absent = 0; absent < 4; absent++) varint(0);
    return Arrays.copyOf(bytes, at);
  }

  private void envelope(byte[] commandId, byte[] userId, long now) {
    bytes[0] = 0;
    for (int index = 0; index < 4; index++) bytes[1 + index] = (byte) (schemaId >>> (24 - 8 * index));
    at = 5;
    string(commandId);
    string(userId);
    varint(now);
    varint(0);
    varint(0);
    string("bench".getBytes(StandardCharsets.UTF_8));
    varint(0);
  }

  private void string(byte[] text) {
    varint(text.length);
    System.arraycopy(text, 0, bytes, at, text.length);
    at += text.length;
  }

  private void varint(long value) {
    long left = (value << 1) ^ (value >> 63);
    for (; (left & ~0x7FL) != 0; left >>>= 7) bytes[at++] = (byte) ((left & 0x7F) | 0x80);
    bytes[at++] = (byte) left;
  }

  /** What the peer uses of a command. Texts stay bytes. */
  static final class Read {
    byte[] commandId;
    boolean opens;
    byte[] account;
    byte[] currency;
    byte[] text = new byte[0];
    long amount;
    int day;
    private final byte[] bytes;
    private int at = 5;

    Read(byte[] value) {
      bytes = value;
      commandId = bytes();
      bytes();
      varint();
      if (varint() != 0) varint();
      varint();
      bytes();
      optional();
      opens = varint() == 0;
      if (opens) {
        account = bytes();
        varint();
        currency = bytes();
        return;
      }
      bytes();
      account = bytes();
      amount = varint();
      currency = bytes();
      day = (int) (varint() / DAY_MS);
      if (varint() != 0) day = (int) varint();
      varint();
      optional();
      optional();
      byte[] given = optional();
      if (given != null) text = given;
    }

    private byte[] optional() {
      return varint() == 0 ? null : bytes();
    }

    private byte[] bytes() {
      int length = (int) varint();
      byte[] text = Arrays.copyOfRange(bytes, at, at + length);
      at += length;
      return text;
    }

    private long varint() {
      long value = 0;
      for (int shift = 0; ; shift += 7) {
        byte next = bytes[at++];
        value |= (long) (next & 0x7F) << shift;
        if (next >= 0) return (value >>> 1) ^ -(value & 1);
      }
    }
  }
}
