import { Duration } from 'aws-cdk-lib';
import { DefaultDashboardFactory, MonitoringFacade, notifySns } from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import { lakeName } from '../../naming';
import { Alarms } from './alarms';
import { monitorData, monitorModel } from './lake';
import { monitorRuns } from './runs';
import { monitorEndpoint, monitorMoney, monitorScoring, monitorServices } from './services';
import { OwnMetrics } from './own-metrics';
import type { MonitoringProps, Watch } from './watch';

/** One dashboard, from the run down to the services it uses, with the alarms beside their metrics. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { environment, topic } = props;
    const name = lakeName(environment);
    const facade = new MonitoringFacade(this, 'Facade', {
      dashboardFactory: new DefaultDashboardFactory(this, 'Dashboards', {
        dashboardNamePrefix: name,
        detailDashboardRange: Duration.days(14),
      }),
      alarmFactoryDefaults: {
        actionsEnabled: true,
        action: notifySns(topic),
        alarmNamePrefix: name,
        datapointsToAlarm: 1,
      },
    });
    const watch: Watch = {
      facade,
      alarms: new Alarms(environment),
      own: new OwnMetrics(name),
      props,
    };
    monitorRuns(watch);
    monitorData(watch);
    monitorModel(watch);
    monitorEndpoint(watch);
    monitorScoring(watch);
    monitorMoney(watch);
    monitorServices(watch);
  }
}
