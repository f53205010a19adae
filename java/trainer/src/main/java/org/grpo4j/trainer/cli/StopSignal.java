package org.grpo4j.trainer.cli;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * Ctrl-C and a polite kill as something to wait for; the second one ends the process at once.
 *
 * <p>A shutdown hook, as training uses, hears of the first alone: the virtual machine is deaf to
 * signals while its hooks run. sun.misc.Signal is in module jdk.unsupported, which every JDK has
 * and exports; by reflection, because javac warns of the name and no option silences it.
 */
final class StopSignal implements AutoCloseable {
  /** Exit status by signal: 128 plus its number, as shells report it. */
  private static final Map<String, Integer> STATUS = Map.of("INT", 130, "TERM", 143);

  private final CountDownLatch first = new CountDownLatch(1);
  private final Map<String, Object> before = new LinkedHashMap<>();
  private final Class<?> signalType;
  private final Method handle;
  private volatile int status;

  private StopSignal() throws ReflectiveOperationException {
    signalType = Class.forName("sun.misc.Signal");
    Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
    handle = signalType.getMethod("handle", signalType, handlerType);
    for (Map.Entry<String, Integer> signal : STATUS.entrySet()) {
      Object handler =
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {handlerType},
              (proxy, method, arguments) -> {
                received(signal.getValue());
                return null;
              });
      before.put(signal.getKey(), set(signal.getKey(), handler));
    }
  }

  /** Takes both signals over until it is closed. */
  static StopSignal listen() {
    try {
      return new StopSignal();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this Java runtime has no sun.misc.Signal", e);
    }
  }

  /** Returns the handler before it. */
  private Object set(String signal, Object handler) throws ReflectiveOperationException {
    return handle.invoke(
        null, signalType.getConstructor(String.class).newInstance(signal), handler);
  }

  private void received(int exitStatus) {
    if (first.getCount() == 0) {
      Runtime.getRuntime().halt(exitStatus);
    }
    status = exitStatus;
    first.countDown();
  }

  /** Waits for the first signal; returns the exit status that goes with it. */
  int await() {
    try {
      first.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return status;
  }

  @Override
  public void close() {
    try {
      for (Map.Entry<String, Object> signal : before.entrySet()) {
        set(signal.getKey(), signal.getValue());
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot give the signals back", e);
    }
  }
}
